"""Looking at, verifying and tidying what corpuskit made: inspect, status, verify, gc."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit import manifest, storage
from corpuskit.errors import ArtifactError, CorruptArtifact
from corpuskit.manifest import Manifest

PREVIEW_ROWS = 5


@dataclass(frozen=True)
class Progress:
    """How far one artifact folder is."""

    folder: str
    kind: str
    state: str
    """`done`, `running` (a live process holds a claim), `dead` (claims of dead processes only) or `stopped`."""
    items: int
    """Finished items, over all phases; 0 once the artifact is done."""
    rows: int
    errors: int


def artifact_folders(root: str) -> list[Path]:
    """Return every folder below `root` that is, or is becoming, an artifact, sorted by path."""
    base = storage.local(root)
    if not base.is_dir():
        raise ArtifactError(f"{root}: no such folder")
    marks = [*base.rglob(manifest.NAME), *base.rglob("markers"), *base.rglob("claims")]
    return sorted({mark.parent for mark in marks if "work" not in mark.relative_to(base).parts})


def status(root: str) -> list[Progress]:
    """Say of each artifact below `root` whether it is done, running, stopped or dead.

    Raises:
        ArtifactError: `root` is no folder, or holds no artifact.
    """
    folders = artifact_folders(root)
    if not folders:
        raise ArtifactError(f"{root}: nothing that corpuskit made is here")
    return [_progress(folder) for folder in folders]


def _progress(folder: Path) -> Progress:
    from pipelines.engine.claims import is_stale

    found = manifest.find(str(folder))
    if found:
        return Progress(str(folder), found.kind, "done", 0, found.rows, found.errors)
    finished = sum(1 for _ in (folder / "markers").rglob("*.json"))
    claims = [str(path) for path in (folder / "claims").rglob("*") if path.is_file()]
    alive = any(not is_stale(claim) for claim in claims)
    state = "running" if alive else "dead" if claims else "stopped"
    return Progress(str(folder), _kind_of(folder), state, finished, 0, 0)


def _kind_of(folder: Path) -> str:
    """Say what an unfinished folder will be, by its place in a corpus."""
    if folder.parent.name == "revisions":
        return "documents"
    if folder.parent.name in ("variants", "tokenizers", "runs"):
        return folder.parent.name.removesuffix("s")
    return folder.parent.name if folder.parent.name in ("signals", "shards") else folder.name.rpartition("-")[0]


def verify(root: str) -> Iterator[tuple[str, int]]:
    """Check every finished artifact below `root`; yield (folder, files checked).

    Raises:
        ArtifactError: there is none.
        CorruptArtifact: names each file that is missing or differs, once all are checked.
    """
    wrong = []
    finished = [folder for folder in artifact_folders(root) if manifest.find(str(folder))]
    if not finished:
        raise ArtifactError(f"{root}: nothing that corpuskit finished is here")
    for folder in finished:
        try:
            yield str(folder), manifest.verify(str(folder))
        except CorruptArtifact as error:
            wrong.append(str(error))
    if wrong:
        raise CorruptArtifact("\n".join(wrong))


def garbage(root: str) -> list[Path]:
    """Return what no manifest names: artifact folders of earlier recipes, and temporary files of killed writers.

    Raises:
        ArtifactError: `root` is not a prepared corpus, so nothing says what to keep; or a live process is working on
            it, whose finished artifacts no manifest names yet.
    """
    corpus = manifest.read(root, "corpus")
    base = storage.local(root)
    kept = {base / path for named in corpus.extra["artifacts"].values() for path in named.values()}
    sidecars = [folder for folder in (base / "signals").glob("*-*") if folder.is_dir()]  # killed ones have no marker
    folders = sorted({*artifact_folders(root), *sidecars} - {base})
    if running := [str(folder) for folder in folders if _progress(folder).state == "running"]:
        raise ArtifactError(f"{root} is in use: a process is working on {running[0]}; wait until it has ended")
    unnamed = [folder for folder in folders if not _is_kept(folder, kept)]
    scratch = [path for path in base.rglob(".*.tmp") if not any(folder in path.parents for folder in unnamed)]
    return sorted([*unnamed, *scratch])


def _is_kept(folder: Path, kept: set[Path]) -> bool:
    return any(folder == path or path in folder.parents or folder in path.parents for path in kept)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def collect(root: str) -> int:
    """Remove what `garbage` lists; return the bytes freed."""
    found = garbage(root)
    freed = sum(map(size_of, found))
    for path in found:
        storage.remove(str(path))
    return freed


def inspect(path: str) -> dict[str, Any]:
    """Say what an artifact folder or a data file is: kind, rows, schema, counts, fingerprint, first rows.

    Raises:
        ArtifactError: it is nothing that corpuskit knows.
    """
    target = storage.local(path)
    if target.is_file():
        return _inspect_file(target)
    found = manifest.read(path)
    described = {
        "kind": found.kind,
        "name": found.name,
        "fingerprint": found.fingerprint,
        "rows": found.rows,
        "errors": found.errors,
        "counts": dict(found.counts),
        "files": len(found.files),
        "bytes": sum(int(entry["bytes"]) for entry in found.files.values()),
        "made_by": found.identity,
        **{name: value for name, value in found.extra.items() if name != "recipe"},
    }
    return described | _first_rows(target, found)


def _first_rows(folder: Path, found: Manifest) -> dict[str, Any]:
    tables = [path for path in found.files if path.endswith((".parquet", ".arrow")) and not path.startswith("errors/")]
    if not tables:
        return {}
    opened = _inspect_file(folder / tables[0])
    return {"schema": opened["schema"], "first_rows": opened["first_rows"]}


def _inspect_file(path: Path) -> dict[str, Any]:
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        batch = next(file.iter_batches(PREVIEW_ROWS), None)
        return _described(path, file.metadata.num_rows, file.schema_arrow, batch)
    if path.suffix == ".arrow":
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
            rows = sum(reader.get_batch(index).num_rows for index in range(reader.num_record_batches))
            batch = reader.get_batch(0).slice(0, PREVIEW_ROWS) if reader.num_record_batches else None
            return _described(path, rows, reader.schema, batch)
    raise ArtifactError(f"{path}: expected an artifact folder, a .parquet or an .arrow file")


def _described(path: Path, rows: int, schema: pa.Schema, batch: pa.RecordBatch | None) -> dict[str, Any]:
    columns = {field.name: str(field.type) for field in schema}
    preview = [] if batch is None else [_readable(row) for row in batch.to_pylist()]
    return {"kind": path.suffix[1:], "rows": rows, "schema": columns, "first_rows": preview}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Show keys as hex and long values by their beginning."""
    shown = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    return {name: value if len(str(value)) <= 100 else str(value)[:97] + "..." for name, value in shown.items()}
