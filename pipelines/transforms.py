"""The map-only stages as public PTransforms over RecordBatches, for Beam pipelines of your own.

    import apache_beam as beam
    from pipelines.transforms import Annotate, Encode, Select

    batches | Annotate(["gopher"]) | Select(PolicyConfig(preset="gopher")) | Encode("out/tokenizers/bpe-1a2b3c4d")

Elements are `pyarrow.RecordBatch`es with at least a column `text`; rows keep their order within a batch. The steps of a
recipe use the same functions, so the values are the same. `Select` knows no duplicates: clusters need more than one
batch at a time (see `pipelines.dedup`).
"""

from collections.abc import Mapping, Sequence
from functools import cache, partial

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import clean, policy, signals, tokenization
from corpuskit.clean import CleanerConfig
from corpuskit.config import Config
from corpuskit.errors import RecipeError
from corpuskit.kernels import Texts
from corpuskit.policy import PolicyConfig
from corpuskit.tokenization import Tokenizer
from pipelines.arrow import MapBatches
from pipelines.quiet_beam import beam


@beam.typehints.with_input_types(pa.RecordBatch)
@beam.typehints.with_output_types(pa.RecordBatch)
class _Stage(beam.PTransform):
    """One map over batches; subclasses set the function."""

    def __init__(self, stage: MapBatches) -> None:
        super().__init__()
        self._stage = stage

    def expand(self, batches: beam.PCollection[pa.RecordBatch]) -> beam.PCollection[pa.RecordBatch]:
        """Apply the stage."""
        return batches | self._stage


class Annotate(_Stage):
    """Appends signals as columns `group.name`; groups that measure URLs read the column `url`.

    Raises:
        RecipeError: a name is neither a group nor a signal (when the pipeline is built).
    """

    def __init__(self, names: Sequence[str], configs: Mapping[str, Config] = signals.NO_CONFIGS) -> None:
        signals.schema(names, configs)
        super().__init__(MapBatches(partial(annotate, names=tuple(names), configs=dict(configs)), "annotate"))


class Clean(_Stage):
    """Cleans `text`, and appends the cleaners' counts as columns `clean.<count>`."""

    def __init__(self, steps: Sequence[CleanerConfig]) -> None:
        super().__init__(MapBatches(partial(clean_texts, steps=tuple(steps)), "clean"))


class Select(_Stage):
    """Keeps the rows that a policy keeps; reads the columns that its rules name, `id` and `url`.

    Raises:
        RecipeError: a rule names an unknown signal, or a share of all documents (when the pipeline is built).
    """

    def __init__(self, config: PolicyConfig, configs: Mapping[str, Config] = signals.NO_CONFIGS) -> None:
        counts = clean.counts_schema([cleaner.config() for cleaner in clean.CLEANERS.values()])
        policy.check_signals(config, signals.known_signals(configs) | {field.name: field.type for field in counts})
        if policy.shares(config):
            raise RecipeError("policy", "`highest` and `lowest` look at all documents at once: use `corpuskit run`")
        super().__init__(MapBatches(partial(select, config=config), "select"))


class Encode(_Stage):
    """Appends `tokens` (large_list of uint16 or uint32), the ids of `text` under a tokenizer's folder or file."""

    def __init__(self, tokenizer: str) -> None:
        super().__init__(MapBatches(partial(encode, tokenizer=tokenizer), "encode"))


def clean_texts(batch: pa.RecordBatch, steps: Sequence[CleanerConfig]) -> pa.RecordBatch:
    """Return a batch with its texts cleaned and the counts appended; a null text stays null."""
    place = batch.schema.get_field_index("text")
    given = batch.column("text")
    texts, counts = clean.apply(steps, given.fill_null("").cast(pa.large_string()))
    texts = pc.if_else(given.is_valid(), texts, pa.scalar(None, texts.type))
    columns = [*batch.columns, *counts.columns]
    columns[place] = texts.cast(given.type)
    return pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names, *counts.schema.names])


def annotate(
    batch: pa.RecordBatch, names: Sequence[str], configs: Mapping[str, Config] = signals.NO_CONFIGS
) -> pa.RecordBatch:
    """Return a batch with signals appended."""
    there = [name for name in ("text", "url") if name in batch.schema.names]
    measured = signals.compute(names, {name: Texts.from_arrow(batch.column(name)) for name in there}, configs)
    columns = [*batch.columns, *measured.columns]
    return pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names, *measured.schema.names])


def select(batch: pa.RecordBatch, config: PolicyConfig) -> pa.RecordBatch:
    """Return the rows that a policy keeps."""
    verdicts = policy.judge(config, batch, excluded=_excluded(config.exclude))
    return batch.filter(verdicts.column("kept").combine_chunks())


@cache
def _excluded(paths: tuple[str, ...]) -> dict[str, pa.Array]:
    """Read exclude lists once per process."""
    return policy.read_exclusions(paths)


def encode(batch: pa.RecordBatch, tokenizer: str) -> pa.RecordBatch:
    """Return a batch with the token ids of its texts appended."""
    return batch.append_column("tokens", _loaded(tokenizer).encode(batch.column("text")))


@cache
def _loaded(path: str) -> Tokenizer:
    """Load a tokenizer once per process."""
    return tokenization.load(path)
