"""Quality signals over Arrow buffers, beside plain Python and datatrove."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from benchmarks import datatrove
from benchmarks.data import corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit import signals
from corpuskit.kernels import Texts

TITLE = "Gopher's quality signals, one core, text in memory"
BYTES = 32_000_000
GROUPS = ["length", "gopher", "composition"]
"""The groups that look at every character; `cleaning` times `language` and `url`."""
PEER_BYTES = 2_000_000
DATATROVE_BYTES = 500_000
STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}


def measure() -> Iterator[Row]:
    """Yield the signals of `gopher`, then all groups."""
    for corpus in corpora("imdb_unsup", "eltec_eng", "zh_modern"):
        texts, sample = corpus.texts(BYTES), corpus.texts(PEER_BYTES)
        size, sample_size = size_of(texts), size_of(sample)
        _compute(GROUPS, sample)  # compile
        ours = best(partial(_compute, ["gopher"], texts))
        rate = megabytes(size, ours.seconds)
        peer = best(partial(_plain, sample))
        yield Row(
            task="`gopher`, 8 signals",
            text=corpus.name,
            rate=rate,
            memory=ours.memory,
            peer="plain Python",
            peer_rate=megabytes(sample_size, peer.seconds),
            peer_memory=peer.memory,
        )
        yield _beside_datatrove(corpus.name, rate, corpus.texts(DATATROVE_BYTES))
        ours = best(partial(_compute, GROUPS, texts))
        count = len(signals.schema(GROUPS))
        yield Row(
            task=f"with `length` and `composition`, {count} signals",
            text=corpus.name,
            rate=megabytes(size, ours.seconds),
            memory=ours.memory,
        )


def _compute(groups: list[str], texts: pa.LargeStringArray) -> pa.RecordBatch:
    return signals.compute(groups, Texts.from_arrow(texts))


def _plain(texts: pa.LargeStringArray) -> list[list[float]]:
    return [plain_gopher(text) for text in texts.to_pylist()]


def plain_gopher(text: str) -> list[float]:
    """Measure one text by the definitions of `corpuskit.signals.gopher`, with what `str` offers."""
    words = text.split()
    lines = [line for line in text.split("\n") if line.strip()]
    count, rows = max(len(words), 1), max(len(lines), 1)
    return [
        len(words),
        sum(map(len, words)) / count,
        text.count("#") / count,
        (text.count("...") + text.count("…")) / count,
        sum(line.lstrip().startswith(("•", "●", "*", "-")) for line in lines) / rows,
        sum(line.rstrip().endswith(("...", "…")) for line in lines) / rows,
        sum(any(map(str.isalpha, word)) for word in words) / count,
        len(STOP_WORDS & set(words)),
    ]


def _beside_datatrove(text: str, rate: float, sample: pa.LargeStringArray) -> Row:
    task = "`gopher`, 8 signals"
    found = datatrove.measure("GopherQualityFilter", sample)
    if found is None:
        return Row(task=task, text=text, rate=rate, note=datatrove.UNSET)
    return Row(
        task=task,
        text=text,
        rate=rate,
        peer=found.peer,
        peer_rate=found.rate,
        note="datatrove's `GopherQualityFilter` cuts words with spaCy and stops at the first rule that fails.",
    )
