"""Documents to signals: one pass over the text for all groups that are missing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest, signals, storage
from corpuskit.config import Config
from corpuskit.documents import read_split, sidecars
from corpuskit.kernels import Texts
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from corpuskit.signals import SIGNALS
from pipelines.engine import Attempt, Item, Phase, Step

NO_CONFIGS: Mapping[str, Config] = MappingProxyType({})
Measure = Callable[[Mapping[str, Texts]], pa.RecordBatch]


def target(group: str, documents: str, out: str, config: Config | None = None, suffix: str = "") -> Target:
    """Return where a signal group's sidecars go.

    Args:
        group: the group's name.
        documents: fingerprint of the documents, or of the revision of them that is measured.
        out: the corpus's folder.
        config: settings of a group that has any; its defaults where there are none.
        suffix: tells the revision in the artifact's name, such as `@strict`.
    """
    found = SIGNALS[group]
    config = config or found.default_config()
    identity = Identity(
        step=f"annotate.{group}",
        revision=found.revision,
        config=found.identity(config) if config else {},
        inputs={"documents": documents},
        libraries=manifest.library_versions(found.libraries) | {"unicode": UNICODE_VERSION},
    )
    return Target.place("signals", group + suffix, storage.join(out, "signals"), identity)


def group_of(target: Target) -> str:
    """Return the signal group that a target holds."""
    return target.identity.step.removeprefix("annotate.")


def step(
    targets: Sequence[Target], documents_folder: str, out: str, configs: Mapping[str, Config] = NO_CONFIGS
) -> Step | None:
    """Plan one pass that measures the groups which are not measured yet; None where nothing is missing.

    The step's own folder holds markers only: `finish` writes one manifest per group.

    Args:
        targets: the groups' sidecars, all of the same documents.
        documents_folder: the documents, or the revision of them that is measured.
        out: the corpus's folder.
        configs: settings by group, as the targets were planned with.
    """
    missing = [target for target in targets if not target.done]
    if not missing:
        return None
    folders = {group_of(target): target.folder for target in missing}
    used = {group: config for group, config in configs.items() if group in folders}
    work = partial(run, documents_folder=documents_folder, folders=folders, configs=used)
    items = split_items(manifest.read(documents_folder, "documents"))
    return Step(
        **vars(_pass(targets, out)),
        phases=(Phase(name="measure", items=items, work=work, bisects=True),),
        finish=partial(_finish, targets=missing),
    )


def clean(targets: Sequence[Target], out: str) -> None:
    """Remove what a pass needs only until every group has its manifest."""
    storage.remove(_pass(targets, out).folder)


def _pass(targets: Sequence[Target], out: str) -> Target:
    """Return the place of the pass over these groups: the same whichever of them a killed run has finished."""
    fingerprints = {target.name: target.fingerprint for target in targets}
    identity = Identity(step="annotate", revision=1, config={}, inputs=fingerprints)
    return replace(Target.place("pass", "pass", storage.join(out, "signals"), identity), name="annotate")


def split_items(documents: Manifest) -> tuple[Item, ...]:
    """Return one item per split of the documents."""
    return tuple(
        Item(name=part["name"], payload={"part": part}, size=part["text_bytes"], records=part["rows"])
        for part in documents.parts
    )


def run(
    attempt: Attempt,
    *,
    documents_folder: str,
    folders: Mapping[str, str],
    configs: Mapping[str, Config] = NO_CONFIGS,
) -> Marker:
    """Measure one split and commit one sidecar per group.

    A row that kills its worker gets null signals, so that sidecars stay aligned, and counts as an error.
    """
    part = attempt.item.payload["part"]
    measure = partial(signals.compute, list(folders), configs=configs)
    batches = read_split(documents_folder, part["name"], columns=_columns(folders))
    if attempt.only:
        _probe(batches, attempt.only, measure)
        return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint)
    measured = [*_measure(batches, measure, attempt.poison)]
    table = pa.Table.from_batches(measured, signals.schema(list(folders), configs)).combine_chunks()
    files = {}
    for group, folder in folders.items():
        columns = [name for name in table.column_names if name.startswith(f"{group}.")]
        written = sidecars.write(folder, part["name"], table.select(columns))
        files |= {f"{group}/{path}": entry for path, entry in written.items()}
    entry = {"name": part["name"], "rows": part["rows"], "keys": part["keys"], "errors": len(attempt.poison)}
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=part["rows"] - len(attempt.poison),
        errors=len(attempt.poison),
        keys=part["keys"],
        counts={"text_bytes": part["text_bytes"]},
        files=files,
        parts=[entry],
    )


def _columns(groups: Iterable[str]) -> list[str]:
    """Return the columns of documents that the groups read."""
    return sorted({SIGNALS[group].reads for group in groups})


def _measure(batches: Iterable[pa.RecordBatch], measure: Measure, poison: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield the signals of each batch; poisoned rows are measured as empty texts and then set to null."""
    first = 0
    for batch in batches:
        rows = [row - first for row in poison if first <= row < first + len(batch)]
        measured = measure({name: Texts.from_arrow(_blank(batch.column(name), rows)) for name in batch.schema.names})
        yield _nullify(measured, rows)
        first += len(batch)


def _probe(batches: Iterable[pa.RecordBatch], only: tuple[int, int], measure: Measure) -> None:
    first = 0
    for batch in batches:
        start, stop = max(only[0] - first, 0), min(only[1] - first, len(batch))
        if start < stop:
            part = batch.slice(start, stop - start)
            measure({name: Texts.from_arrow(part.column(name)) for name in part.schema.names})
        first += len(batch)


def _blank(texts: pa.Array, rows: list[int]) -> pa.Array:
    if not rows:
        return texts
    return pa.array(["" if row in rows else text for row, text in enumerate(texts.to_pylist())], texts.type)


def _nullify(batch: pa.RecordBatch, rows: list[int]) -> pa.RecordBatch:
    if not rows:
        return batch
    keep = pa.array([row not in rows for row in range(len(batch))])
    columns = [pc.if_else(keep, column, pa.scalar(None, column.type)) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _finish(step: Step, markers: Mapping[str, list[Marker]], targets: Sequence[Target]) -> Manifest:
    for target in targets:
        own = [with_files_below(marker, f"{group_of(target)}/") for marker in markers["measure"]]
        extra = {"reads": SIGNALS[group_of(target)].reads}
        manifest.write(target.folder, Step(**vars(target), phases=()).manifest(own, extra))
    whole = step.manifest(markers["measure"])
    return replace(whole, files={}, parts=[])  # it is removed once read: what it says is for the progress display


def with_files_below(marker: Marker, prefix: str) -> Marker:
    """Return a marker of a pass that makes several artifacts with the files of one, below its own folder."""
    files = {path.removeprefix(prefix): entry for path, entry in marker.files.items() if path.startswith(prefix)}
    return replace(marker, files=files)
