"""What the tests of the data steps share: runs of a recipe, and what is in them apart from bytes."""

import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from corpora import full_recipe, small_recipe, write_corpus
from engine_harness import snapshot

from corpuskit import manifest, storage, tokenization
from corpuskit.dedup import DedupConfig
from corpuskit.documents import read_documents, sidecars
from corpuskit.manifest import Manifest, Marker, Target
from corpuskit.recipe import Recipe
from corpuskit.shards import Shards
from corpuskit.workflow.chain import MEMORY
from corpuskit.workflow.flow import Flow
from pipelines import dedup, signatures
from pipelines.engine import Attempt, Engine, EngineOptions, Item, Phase, Progress, Step
from pipelines.engine.work import perform

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Made:
    """A finished run that tests only read."""

    corpus: Path
    flow: Flow

    @property
    def out(self) -> Path:
        return Path(self.flow.out)

    @functools.cached_property
    def files(self) -> dict[str, bytes]:
        return snapshot(self.out)


def run(recipe: Recipe, out: Path, progress: Progress | None = None, memory: int = MEMORY, **options: Any) -> Flow:
    """Run all data steps of a recipe; `options` are the engine's, by default in this process."""
    flow = Flow(recipe, str(out), memory)
    with Engine(EngineOptions(**{"workers": 0, **options}), progress) as engine:
        flow.prepare(engine)
    return flow


class Plainly:
    """An engine that is a loop: no Beam, no processes, no markers read; for variations of what goes in."""

    def run(self, step: Step) -> Manifest:
        done = manifest.find(step.folder)
        if done is not None and done.fingerprint == step.identity.fingerprint:
            return done
        markers = {phase.name: [self._make(step, phase, item) for item in phase.items] for phase in step.phases}
        made = step.finish(step, markers) if step.finish else step.manifest(markers[step.phases[-1].name])
        manifest.write(step.folder, made)
        for name in (*step.scratch, "markers"):
            storage.remove(storage.join(step.folder, name))
        return made

    def _make(self, step: Step, phase: Phase, item: Item) -> Marker | None:
        attempt = Attempt(item=item, folder=step.folder, fingerprint=step.identity.fingerprint)
        perform(phase.name, phase.work, attempt)
        return manifest.read_marker(step.folder, phase.name, item.name, step.identity.fingerprint)


def search(config: DedupConfig, documents: Target, out: Path, **options: Any) -> Target:
    """Find the duplicates among documents without an engine; return where they are."""
    signed = signatures.target(config, documents, str(out))
    Plainly().run(signatures.step(signed, config, documents.folder))
    place = dedup.target(config, signed, str(out), references=options.get("references", ()))
    Plainly().run(dedup.step(place, config, signed.folder, documents.folder, **options))
    return place


def run_plainly(recipe: Recipe, out: Path) -> Flow:
    """Run all data steps of a recipe without an engine."""
    flow = Flow(recipe, str(out))
    flow.prepare(Plainly())  # type: ignore[arg-type]
    return flow


@functools.cache
def corpus(base: Path) -> Path:
    """The made corpus of this session; `base` is `tmp_path_factory.getbasetemp()`."""
    return write_corpus(base / "pipelines" / "in")


@functools.cache
def full(base: Path) -> Made:
    """The full recipe, run once a session."""
    return Made(corpus(base), run_plainly(full_recipe(corpus(base)), base / "pipelines" / "full"))


@functools.cache
def small(base: Path) -> Made:
    """The small recipe, run once a session."""
    return Made(corpus(base), run_plainly(small_recipe(corpus(base)), base / "pipelines" / "small"))


def leftovers(out: Path) -> list[str]:
    """Folders that no finished run leaves, empty folders, and files of killed writers."""
    folders = [path for path in out.rglob("*") if path.is_dir()]
    found = [path for path in folders if path.name in ("markers", "claims", "work") or path.name.startswith("pass")]
    found += [path for path in folders if not any(path.iterdir())]
    found += [path for path in out.rglob(".*") if path.is_file()]
    return sorted(str(path.relative_to(out)) for path in found)


def command(*arguments: object) -> subprocess.Popen[bytes]:
    """Start `corpuskit` as a user would."""
    program = Path(sys.executable).parent / "corpuskit"
    return subprocess.Popen(
        [program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )


def environment() -> dict[str, str]:
    """This process's environment, with the tests' modules importable."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "COLUMNS": "200"}


# what is in an artifact


def documents(folder: str) -> Rows:
    rows = [row for batch in read_documents(folder) for row in batch.to_pylist()]
    return [row | {"timestamp": row["timestamp"] and int(row["timestamp"].timestamp())} for row in rows]


def texts(folder: str) -> list[str]:
    return [row["text"] for row in documents(folder)]


def errors(folder: str) -> list[tuple[str, int, bytes, str]]:
    found = [name for name in manifest.read(folder).files if name.startswith("errors/")]
    rows = [row for name in found for row in pq.read_table(Path(folder, name)).to_pylist()]
    return sorted((row["file"], row["offset"], row["raw"], row["message"]) for row in rows)


def sidecar(folder: str, documents_folder: str) -> Rows:
    parts = manifest.read(documents_folder, "documents").parts
    return pa.concat_tables([sidecars.read(folder, part) for part in parts]).to_pylist()


def shards(folder: str) -> list[tuple[bytes, list[int]]]:
    opened = Shards.open(folder)
    return [(bytes(opened.keys()[row]), opened.tokens(row).tolist()) for row in range(len(opened))]


def content(flow: Flow) -> dict[str, list[Any]]:
    """All that the steps of a flow decided: artifact -> rows, sorted by key and text, without files and splits."""
    rows = documents(flow.documents.folder)
    keys = [(row["key"], row["text"]) for row in rows]
    aligned = {f"signals {name}": place for name, place in flow.signals.items()}
    aligned |= {f"variant {name}": place for name, place in flow.variants.items()}
    aligned |= {place.name: place for place in flow.duplicates.values()}
    tables = {name: sidecar(place.folder, flow.documents.folder) for name, place in aligned.items()}
    found: dict[str, list[Any]] = {name: by_key(keys, table) for name, table in {"documents": rows, **tables}.items()}
    found["errors"] = errors(flow.documents.folder)
    for name, place in flow.tokenizers.items():
        found[f"tokenizer {name}"] = [tokenization.load(place.folder).fingerprint]
    for place in {place.folder: place for place in flow.shards.values()}.values():
        found[f"shards {place.name}"] = sorted(shards(place.folder))
    return found


def by_key(keys: Sequence[tuple[bytes, str]], rows: Rows) -> list[Any]:
    return [row for _, row in sorted(zip(keys, rows, strict=True), key=lambda pair: pair[0])]


def digest(rows: Any) -> str:
    """The sha256 of plain data; floats by their exact value."""
    return hashlib.sha256(json.dumps(rows, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)
