"""What documents repeat, cut inside them: every `cut` step on prepared documents, beside datatrove's for sentences."""

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import TypeAdapter

from benchmarks import planted
from benchmarks.data import corpora
from benchmarks.row import Row, best, megabytes
from corpuskit import manifest, storage
from corpuskit.dedup.inside import AnyCut, CutConfig
from corpuskit.recipe.load import build
from corpuskit.workflow.flow import Flow
from pipelines import cut
from pipelines.engine import Engine, EngineOptions
from pipelines.engine.worker import keep_memory

TITLE = "repeated text cut inside documents, one core, documents to a revision"
BYTES = 64_000_000
PEER_BYTES = 500_000
PLANTED_DOCUMENTS = 20_000
PASSAGE = 60
"""Words of a made-up document that every third one quotes of another."""
SCRIPT = Path(__file__).with_name("cuts_peer.py")
STEPS: Mapping[str, dict[str, Any]] = {
    "lines": {"step": "repeated_lines"},
    "lines, none over 3": {"step": "repeated_lines", "keep": "none", "over": 3},
    "paragraphs": {"step": "repeated_paragraphs"},
    "spans of 3 sentences": {"step": "repeated_spans"},
    "substrings of 50 words": {"step": "repeated_substrings"},
    "substrings that held-out documents have": {"step": "repeated_substrings", "against": ["heldout"], "own": False},
}
SUBSTRINGS = tuple(STEPS)[-2:]
"""Those that find what made-up documents quote, which have neither lines nor sentences."""
PEERED = "imdb_unsup", "spans of 3 sentences"


def measure() -> Iterator[Row]:
    """Yield each step on real texts and on made-up ones that quote one another; spans of sentences beside the peer."""
    keep_memory()  # as the workers of a pipeline do
    with tempfile.TemporaryDirectory() as folder:
        for corpus in corpora("imdb_unsup", "zh_modern"):
            texts = corpus.texts(BYTES).to_pylist()
            yield from _rows(corpus.name, texts, folder, STEPS)
        yield from _rows("made-up, every third quotes 60 words of another", quoting(), folder, SUBSTRINGS)


def quoting() -> list[str]:
    """Make up documents of 200 to 400 words, of which every third has 60 words of another."""
    rng = np.random.default_rng(1)
    texts = planted.texts(PLANTED_DOCUMENTS, 1, (200, 400))
    for number in range(0, len(texts), 3):
        words = texts[int(rng.integers(len(texts)))].split(" ")
        first = int(rng.integers(len(words) - PASSAGE))
        texts[number] += " " + " ".join(words[first : first + PASSAGE])
    return texts


def _rows(name: str, texts: list[str], folder: str, tasks: Iterable[str]) -> Iterator[Row]:
    flow = _prepared(name, texts, folder)
    size = int(manifest.read(flow.variants["all"].folder).counts["kept_bytes"])
    for task in tasks:
        config: AnyCut = TypeAdapter(CutConfig).validate_python(STEPS[task])
        _cut(flow, config)  # compile
        ours = best(lambda config=config: _cut(flow, config))
        peer = _peer(texts, folder) if (name, task) == PEERED else None
        counts = ours.result
        yield Row(
            task=task,
            text=name,
            rate=megabytes(size, ours.seconds),
            memory=ours.memory,
            peer=peer[0] if peer else "",
            peer_rate=peer[1] if peer else None,
            note=f"{name}, {task}: {counts['cut.bytes'] / size:.2%} of the bytes, {counts['cut.pieces']:,} pieces.",
        )


def _prepared(name: str, texts: list[str], folder: str) -> Flow:
    """Read texts as documents, all of them kept by one variant."""
    source = Path(folder, f"{name[:7]}.jsonl")
    source.write_bytes(b"".join(orjson.dumps({"text": text}, option=orjson.OPT_APPEND_NEWLINE) for text in texts))
    recipe = {"name": "cuts", "sources": [{"name": "texts", "paths": [str(source)]}], "dedup": None}
    flow = Flow(build(recipe), str(Path(folder, f"{name[:7]}-out")))
    with Engine(EngineOptions(workers=0)) as engine:
        flow.prepare(engine, encode=False)
    return flow


def _cut(flow: Flow, config: AnyCut) -> Mapping[str, float]:
    """Make the revision anew; return its counts."""
    base, variant = flow.texts[0].documents, flow.variants["all"]
    place = cut.target(1, variant, config, base, flow.out)
    storage.remove(place.folder)
    with Engine(EngineOptions(workers=0)) as engine:
        return engine.run(cut.step(place, config, base.folder, variant.folder)).counts


def _peer(texts: list[str], folder: str) -> tuple[str, float] | None:
    """Return datatrove's name and rate; None where it is not installed."""
    if importlib.util.find_spec("datatrove") is None:
        return None
    source = Path(folder, "peer")
    source.mkdir()
    size = 0
    with (source / "texts.jsonl").open("wb") as file:
        for number, text in enumerate(texts):
            file.write(orjson.dumps({"id": str(number), "text": text}, option=orjson.OPT_APPEND_NEWLINE))
            size += len(text.encode())
            if size > PEER_BYTES:
                break
    command = [sys.executable, "-P", str(SCRIPT), str(source), f"{folder}/peer-out"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found = orjson.loads(done.stdout.splitlines()[-1])
    return f"datatrove {found['version']}, sentence deduplication", megabytes(size, found["seconds"])
