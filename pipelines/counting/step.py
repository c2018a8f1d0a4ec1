"""Counting as a step: where it goes, its phases, and in how many partitions counts are merged."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from corpuskit import documents, manifest, storage
from corpuskit.documents import SourceConfig
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from corpuskit.tokenization.counts import CountsConfig
from pipelines.annotate import split_items
from pipelines.counting import rows as choosing
from pipelines.counting import words
from pipelines.counting.rows import Rows
from pipelines.engine import Item, Phase, Step
from pipelines.extraction import with_formats

REVISION = 1
LIBRARIES = ("numba", "pyarrow", "sentencepiece", "tokenizers")
"""What decides words: kernels, normal forms, and regular expressions."""
PARTITION_BYTES = 4_000_000_000
"""Text whose words are merged at a time; their counts take a few hundred megabytes."""


def target(name: str, config: CountsConfig, text: Target, variant: Target, out: str) -> Target:
    """Return where the counts of a variant's training text go."""
    inputs = {"documents": text.fingerprint, "variant": variant.fingerprint}
    identity = Identity(
        step="count", revision=REVISION, config=config.identity(), inputs=inputs, libraries=_libraries()
    )
    return Target.place("counts", name, storage.join(out, "counts"), identity)


def _libraries() -> dict[str, str]:
    return manifest.library_versions(LIBRARIES) | {"unicode": UNICODE_VERSION}


def step(place: Target, config: CountsConfig, rows: Rows) -> Step:
    """Plan the counting of a variant's training text.

    Args:
        place: where the counts go.
        config: how words are found and what of the text is counted.
        rows: the folders that say which rows of which text are counted.
    """
    read = manifest.read(rows.documents, "documents")
    items = split_items(read)
    splits = tuple(item.name for item in items)
    size = int(read.counts["text_bytes"])
    phases = []
    if config.max_bytes is not None and config.max_bytes < size:
        size = config.max_bytes
        phases = [
            Phase(name="weigh", items=items, work=partial(choosing.weigh, rows=rows, seed=config.seed)),
            Phase(
                name="choose",
                items=(Item(name="all"),),
                work=partial(choosing.choose, splits=splits, max_bytes=config.max_bytes),
            ),
        ]
    count = partial(words.count_split, rows=rows, config=config)
    return _step(place, config, (*phases, *_phases(items, splits, size, config, count)))


def of_files(
    source: SourceConfig, config: CountsConfig, out: str, *, split_bytes: int, max_error_rate: float, share: float = 1.0
) -> Step:
    """Plan the counting of raw input into `out` itself, without documents between them.

    Args:
        source: the input.
        config: how words are found.
        out: folder of the counts.
        split_bytes: bytes of text in a piece.
        max_error_rate: share of malformed records above which the step fails.
        share: share of the documents that is counted, by a hash of the key.
    """
    pieces = documents.plan(source, split_bytes)
    identity = Identity(
        step="count",
        revision=REVISION,
        config={**config.identity(), "source": source.identity(), "split_bytes": split_bytes, "share": share},
        inputs={"source": documents.identify(pieces)},
        libraries=_libraries(),
    )
    identity = with_formats(identity, pieces, words.EXTRACTION)
    place = Target(kind="counts", name="count", folder=out, identity=identity)
    items = tuple(Item(name=piece.name, payload={"piece": piece}, size=piece.size) for piece in pieces)
    count = partial(words.count_piece, source=source, share=share, config=config)
    size = sum(item.size for item in items)
    phases = _phases(items, tuple(item.name for item in items), size, config, count)
    return _step(place, config, phases, max_error_rate)


def _phases(
    items: tuple[Item, ...], splits: Sequence[str], size: int, config: CountsConfig, count: Any
) -> tuple[Phase, ...]:
    partitions = max(1, math.ceil(size / PARTITION_BYTES))
    merged = tuple(Item(name=f"partition-{k:07d}", payload={"partition": k}) for k in range(partitions))
    merge = partial(words.merge, splits=tuple(splits), config=config)
    return (
        Phase(name="count", items=items, work=partial(count, partitions=partitions)),
        Phase(name="merge", items=merged, work=merge),
    )


def _step(place: Target, config: CountsConfig, phases: tuple[Phase, ...], max_error_rate: float | None = None) -> Step:
    finish = partial(_finish, config=config.plain(), max_error_rate=max_error_rate)
    return Step(**vars(place), phases=phases, scratch=("work",), finish=finish)


def _finish(
    step: Step,
    markers: Mapping[str, list[Marker]],
    config: Mapping[str, Any],
    max_error_rate: float | None,
) -> Manifest:
    """Merge the markers: rows are documents, `words` and `occurrences` those that were kept."""
    counted = manifest.merge(markers["count"])
    if max_error_rate is not None:
        examples = documents.read_errors(step.folder, counted["files"])
        documents.check_errors(counted["rows"], counted["errors"], max_error_rate, examples)
    return step.manifest([*markers["count"], *markers["merge"]], extra={"counting": dict(config)})
