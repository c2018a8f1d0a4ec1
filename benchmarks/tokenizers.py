"""Training tokenizers on English text, counting included, each program in its own process; and from counts alone."""

import functools
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from benchmarks.commands import run
from benchmarks.data import corpora
from benchmarks.row import Row, Taken, best, megabytes
from corpuskit.kernels import fixed
from corpuskit.kernels.texts import Texts
from corpuskit.tokenization.counts import WordCounts, count_words
from corpuskit.tokenization.training import train_bpe, train_wordpiece
from corpuskit.tokenization.training.unigram import train_unigram

TITLE = "tokenizers trained, counting words included"
NAMES = ("eltec_eng", "acl_abstracts", "imdb_unsup")
VOCABULARY = 32_768
SHARE = 8
"""One document in how many SentencePiece's Unigram is given, which would take minutes on all; corpuskit the same."""
TIMES = 1000
"""How much larger all counts are made for the last rows."""
SCRIPT = Path(__file__).with_name("tokenizers_programs.py")
CORES = {2: "0,1", 1: "0"}
TASKS = {
    "bpe": "BPE over bytes",
    "pieces": "BPE over characters, SentencePiece's",
    "wordpiece": "WordPiece",
    "unigram": "Unigram",
}
PEERS: dict[str, tuple[str, ...]] = {
    "bpe": ("gigatoken", "rustbpe", "tokenizers"),
    "pieces": ("sentencepiece",),
    "wordpiece": ("tokenizers",),
    "unigram": ("sentencepiece",),
}
TRAINERS: dict[str, tuple[str, Callable[[WordCounts, int], Any]]] = {
    "bpe": ("gpt2", functools.partial(train_bpe, min_count=1)),
    "wordpiece": ("gpt2", functools.partial(train_wordpiece, min_count=1)),
    "unigram": ("metaspace", train_unigram),
}
"""What trains from counts alone: no pair is left out for being rare, which fewer are the larger the counts."""


@dataclass(frozen=True)
class Given:
    """An Arrow file of texts that programs read before they are timed."""

    path: str
    name: str
    size: int
    """UTF-8 bytes."""


def measure() -> Iterator[Row]:
    """Yield training from text on two cores beside peers, on one core, and from counts once and a thousand times."""
    texts = pa.concat_arrays([corpus.texts(1 << 40) for corpus in corpora(*NAMES)])
    with tempfile.TemporaryDirectory() as folder:
        whole, share = _give(texts, Path(folder), 1), _give(texts, Path(folder), SHARE)
        for kind in TASKS:
            yield from _trained(kind, whole, share)
    for kind in TRAINERS:
        yield _counted(kind, texts)


def _give(texts: pa.LargeStringArray, folder: Path, every: int) -> Given:
    """Write every n-th text to a file."""
    chosen = texts.take(pa.array(range(0, len(texts), every)))
    path, size = str(folder / f"{every}.arrow"), sum(len(text.encode()) for text in chosen.to_pylist())
    batch = pa.RecordBatch.from_arrays([chosen], ["text"])
    with pa.ipc.new_file(path, batch.schema) as writer:
        writer.write_batch(batch)
    return Given(path, f"{size / 1e6:,.0f} MB", size)


def _trained(kind: str, whole: Given, share: Given) -> Iterator[Row]:
    """Yield a row for each peer that is installed, one without where there is none, and one on a single core."""
    own = _own(kind, whole, 2)
    peers = [name for name in PEERS[kind] if importlib.util.find_spec(name)]
    shared = _own(kind, share, 2) if kind == "unigram" and peers else own
    for place, name in enumerate(peers):
        row = replace(shared, note=shared.note * (not place))
        yield _beside(row, name, kind, whole if shared is own else share)
    if shared is not own or not peers:
        yield own
    yield _own(kind, whole, 1)


def _own(kind: str, given: Given, cores: int) -> Row:
    found = _run("corpuskit", kind, given, cores)
    return Row(
        task=f"{TASKS[kind]}, {cores} core{'s' * (cores > 1)}",
        text=given.name,
        rate=megabytes(given.size, found["seconds"]),
        memory=found["memory"],
        note=f"corpuskit, {TASKS[kind]}, {_told(given, cores, found)}; "
        f"{found['ready']:.1f} s before for compiling, or loading what was compiled.",
    )


def _beside(own: Row, name: str, kind: str, given: Given) -> Row:
    """Return corpuskit's row with what a peer did with the same texts on two cores."""
    found = _run(name, kind, given, 2)
    return replace(
        own,
        peer=f"{name} {found['version']}",
        peer_rate=megabytes(given.size, found["seconds"]),
        peer_memory=found["memory"],
        note=f"{own.note}\n\n{name}, {TASKS[kind]}, {_told(given, 2, found)}.".lstrip(),
    )


def _told(given: Given, cores: int, found: dict[str, Any]) -> str:
    return (
        f"{given.name}, {cores} core{'s' * (cores > 1)}: {found['seconds']:.2f} s by the clock, {found['cpu']:.2f} s "
        f"of processor time, {_times(found['runs'])}; {(found['memory'] - found['before']) / 1e6:,.0f} MB on top of "
        f"{found['before'] / 1e6:,.0f} MB of program and texts"
    )


def _times(runs: int) -> str:
    return "the only run" if runs == 1 else f"the best of {runs}"


def _run(program: str, kind: str, given: Given, cores: int) -> dict[str, Any]:
    """Return what a program of `tokenizers_programs` printed last."""
    command = [sys.executable, "-P", str(SCRIPT), program, kind, given.path, str(VOCABULARY), str(cores)]
    lines = run(command, cores=CORES[cores]).output.splitlines()
    found: dict[str, Any] = orjson.loads(next(line for line in reversed(lines) if line.startswith('{"version"')))
    return found


def _counted(kind: str, texts: pa.LargeStringArray) -> Row:
    """Return training from counts that are `TIMES` times as large, beside the counts as they are."""
    words, train = TRAINERS[kind]
    counts = count_words([Texts.from_arrow(texts)], words)
    larger = WordCounts(counts.words, fixed(counts.counts * TIMES, np.int64))
    train(counts, VOCABULARY)  # compiles
    once, often = (_timed(train, given) for given in (counts, larger))
    return Row(
        task=f"{TASKS[kind]} from {len(counts):,} counted words, {TIMES:,} times as often",
        text=f"{larger.total:,} occurrences",
        rate=len(counts) / often.seconds / 1e3,
        unit="thousand words/s",
        memory=often.memory,
        peer="corpuskit, counts as they are",
        peer_rate=len(counts) / once.seconds / 1e3,
        peer_memory=once.memory,
        note=f"{TASKS[kind]} from counts: {once.seconds:.2f} s of processor time for {counts.total:,} occurrences, "
        f"{often.seconds:.2f} s for {larger.total:,}.",
    )


def _timed(train: Callable[[WordCounts, int], Any], counts: WordCounts) -> Taken:
    return best(lambda: train(counts, VOCABULARY))
