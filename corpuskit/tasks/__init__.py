"""Downstream tasks as text: what they are, and where their items come from.

A task is a small declared object: a config (`TaskConfig`, told apart by `kind`) and one file that turns it into a
`Classification` or `MinimalPairs`. A new kind is a new file, its config in the union below, and a line in `load`.
How a model is scored on a task is the business of `pretrain.downstream`; nothing here needs torch.
"""

from typing import Annotated

import pyarrow as pa
from pydantic import Field

from corpuskit.errors import InputError
from corpuskit.tasks import generated, labelled, pairs, topic
from corpuskit.tasks.generated import AgreementConfig, OrderConfig
from corpuskit.tasks.labelled import LabelledConfig
from corpuskit.tasks.pairs import PairsConfig
from corpuskit.tasks.task import Classification, Example, MinimalPairs, Pair, Task, fingerprint
from corpuskit.tasks.topic import TopicConfig

__all__ = [
    "AgreementConfig",
    "Classification",
    "Example",
    "LabelledConfig",
    "MinimalPairs",
    "OrderConfig",
    "Pair",
    "PairsConfig",
    "Task",
    "TaskConfig",
    "TopicConfig",
    "fingerprint",
    "load",
]

TaskConfig = Annotated[
    TopicConfig | AgreementConfig | OrderConfig | LabelledConfig | PairsConfig, Field(discriminator="kind")
]


def load(config: TaskConfig, corpus_heldout: pa.Table | None = None, name: str | None = None) -> Task:
    """Turn a task's declaration into its items; the same declaration and data always give the same items.

    Args:
        config: the declaration.
        corpus_heldout: the corpus's held-out documents (columns `key`, `text`, `metadata`); `topic` needs them.
        name: the task's name in results; the kind by default.

    Raises:
        InputError: a file or the held-out documents do not give the task.
    """
    title = name or config.kind
    match config:
        case TopicConfig():
            if corpus_heldout is None:
                raise InputError(f"task {title}: kind `topic` needs a corpus's held-out documents")
            return topic.load(config, title, corpus_heldout)
        case AgreementConfig() | OrderConfig():
            return generated.load(config, title)
        case LabelledConfig():
            return labelled.load(config, title)
        case PairsConfig():
            return pairs.load(config, title)
