"""Which texts of a task count when one asks whether a model has seen its items before."""

from corpuskit.tasks.task import Classification, Task


def scored_texts(task: Task) -> tuple[str, ...]:
    """Return the text of each item that is scored, in order.

    Of a classification the text of each test example; of a minimal pair the good sentence, since the bad one is in no
    natural text.
    """
    if isinstance(task, Classification):
        return tuple(example.text for example in task.test)
    return tuple(pair.good for pair in task.pairs)


def training_texts(task: Task) -> tuple[str, ...]:
    """Return the texts that a task is fine-tuned on; none where nothing is."""
    return tuple(example.text for example in task.train) if isinstance(task, Classification) else ()
