"""The search for duplicates as one step: where it goes, its phases, and how much of the corpus they hold at a time."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from corpuskit import manifest
from corpuskit.dedup import DedupConfig, store
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.reference import Reference
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines.dedup import clustering, matching, verifying, writing
from pipelines.dedup.rows import Rows, item_name
from pipelines.engine import Item, Phase, Step

REVISION = 4
LIBRARIES = ("pyarrow", "numba", "xxhash")
SCHEMA = writing.SCHEMA
MEMORY = 1 << 30
"""Bytes that a worker may use for its data where nothing is said."""


def target(
    config: DedupConfig, signatures: Target, out: str, suffix: str = "", references: Sequence[Reference] = ()
) -> Target:
    """Return where the clusters of equal and similar texts go.

    Args:
        config: how texts are compared.
        signatures: what they are compared by.
        out: the corpus's folder.
        suffix: tells the revision of the texts in the artifact's name, such as `@strict`.
        references: other corpora that they are compared with.
    """
    against = {f"against.{reference.name}": reference.fingerprint for reference in references}
    return _target(f"duplicates{suffix}", config.searching(), {"signatures": signatures.fingerprint, **against}, out)


def url_target(signatures: Target, out: str) -> Target:
    """Return where the clusters of documents with the same URL go."""
    return _target("urls", {}, {"signatures": signatures.fingerprint}, out)


def _target(name: str, config: Mapping[str, object], inputs: Mapping[str, str], out: str) -> Target:
    libraries = manifest.library_versions(LIBRARIES)
    identity = Identity(step="dedup", revision=REVISION, config=config, inputs=inputs, libraries=libraries)
    return Target.place("duplicates", name, out, identity)


def step(
    place: Target,
    config: DedupConfig | None,
    signatures_folder: str,
    documents_folder: str,
    *,
    references: Sequence[Reference] = (),
    memory: int = MEMORY,
    partitions: int | None = None,
) -> Step:
    """Plan the search for duplicates.

    Args:
        place: where the clusters go.
        config: how texts are compared; None: documents are compared by their normalised URL instead.
        signatures_folder: what documents are compared by.
        documents_folder: the texts, read again for `verify: exact`.
        references: other corpora that they are compared with.
        memory: bytes that a worker may use for its data; changes no result.
        partitions: parts of each shuffle instead of those that follow from `memory`; changes no result.
    """
    rows = Rows.of(signatures_folder, manifest.read(signatures_folder, "signatures").parts, references)
    splits = _split_items(rows, store.row_bytes(config.places if config else 0))
    entries = rows.heldout * matching.entries(config)
    match = _partition_items(partitions or _parts(entries * matching.ENTRY_BYTES, memory))
    described = _partition_items(partitions or _parts(rows.own * _member_bytes(config), memory))
    phases = (
        *_matching(rows, config, splits, match),
        *_comparing(rows, config, splits, match, documents_folder),
        *_clustering(rows, config, splits, match, described),
        _writing(rows, config, splits, match, described, references),
    )
    describing = next(phase.name for phase in phases if phase.items is described)
    return Step(**vars(place), phases=phases, scratch=("work",), finish=partial(_finish, described=describing))


def _matching(
    rows: Rows, config: DedupConfig | None, splits: tuple[Item, ...], match: tuple[Item, ...]
) -> tuple[Phase, ...]:
    shared: dict[str, Any] = {"rows": rows, "config": config, "partitions": len(match)}
    signed = splits[: len(rows.signed)]
    return (
        Phase(name=f"scatter-{len(match)}", items=signed, work=partial(matching.scatter, **shared)),
        Phase(name=f"match-{len(match)}", items=match, work=partial(matching.match, **shared)),
    )


def _clustering(
    rows: Rows,
    config: DedupConfig | None,
    splits: tuple[Item, ...],
    match: tuple[Item, ...],
    described: tuple[Item, ...],
) -> tuple[Phase, ...]:
    connect = partial(clustering.cluster, rows=rows, edge_files=_edge_files(rows, config, match))
    shared: dict[str, Any] = {"rows": rows, "config": config, "partitions": len(described)}
    own = splits[: rows.own_splits]
    return (
        Phase(name="cluster", items=(Item(name="all"),), work=connect),
        Phase(name=f"gather-{len(described)}", items=own, work=partial(clustering.gather, **shared)),
        Phase(name=f"describe-{len(described)}", items=described, work=partial(clustering.describe, **shared)),
    )


def _writing(
    rows: Rows,
    config: DedupConfig | None,
    splits: tuple[Item, ...],
    match: tuple[Item, ...],
    described: tuple[Item, ...],
    references: Sequence[Reference],
) -> Phase:
    work = partial(
        writing.write,
        rows=rows,
        cluster_files=tuple(f"clusters/{item.name}.arrow" for item in described),
        match_files=_match_files(rows, config, match),
        references=(HELDOUT, *(reference.name for reference in references)),
    )
    return Phase(name="write", items=splits[: rows.own_splits], work=work)


def _split_items(rows: Rows, row_bytes: int) -> tuple[Item, ...]:
    return tuple(
        Item(name=item_name(number, split), payload={"split": number}, size=split.rows * row_bytes)
        for number, split in enumerate(rows.splits)
    )


def _partition_items(count: int) -> tuple[Item, ...]:
    """Return the items of a phase over so many partitions.

    Names of phases, items and files tell how many there are: a run that goes on with other memory begins these anew.
    """
    return tuple(Item(name=f"{index:05d}-of-{count:05d}", payload={"partition": index}) for index in range(count))


def _parts(size: int, memory: int) -> int:
    """Return in how many parts so many bytes fit in memory."""
    return max(1, math.ceil(size / memory))


def _member_bytes(config: DedupConfig | None) -> int:
    """Return what a member takes while its cluster is described: all rows may be members."""
    return 2 * (clustering.MEMBER_BYTES + 4 * (config.places if config else 0))


def _compares(config: DedupConfig | None) -> bool:
    return config is not None and config.minhash


def _comparing(
    rows: Rows, config: DedupConfig | None, splits: tuple[Item, ...], match: tuple[Item, ...], documents: str
) -> tuple[Phase, ...]:
    """Return the phases that verify pairs; none where there are none."""
    if not _compares(config):
        return ()
    names = tuple(item.name for item in match)
    shared: dict[str, Any] = {"rows": rows, "config": config, "documents": documents, "partition_items": names}
    own = splits[: rows.own_splits]
    return (
        Phase(name="attach", items=own, work=partial(verifying.attach, **shared)),
        Phase(name="verify", items=splits, work=partial(verifying.verify, **shared)),
    )


def _edge_files(rows: Rows, config: DedupConfig | None, match: tuple[Item, ...]) -> tuple[str, ...]:
    """Return the files of edges between the corpus's rows."""
    sure = [f"edges/{item.name}.arrow" for item in match]
    own = rows.splits[: rows.own_splits] if _compares(config) else ()
    return (*sure, *(f"verified/{item_name(number, split)}.arrow" for number, split in enumerate(own)))


def _match_files(rows: Rows, config: DedupConfig | None, match: tuple[Item, ...]) -> tuple[str, ...]:
    """Return the files of matches with references."""
    equal = [f"equal/{item.name}.arrow" for item in match]
    others = [*enumerate(rows.splits)][rows.own_splits :] if _compares(config) else []
    return (*equal, *(f"near/{item_name(number, split)}.arrow" for number, split in others))


def _finish(step: Step, markers: Mapping[str, list[Marker]], described: str) -> Manifest:
    return step.manifest(markers["write"], extra=clustering.totals(markers[described]))
