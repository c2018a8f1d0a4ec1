"""Quality signals over Arrow buffers, beside datatrove's filters and plain Python; how often decisions differ."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

import pyarrow as pa

from benchmarks import datatrove
from benchmarks.data import corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit import policy, signals
from corpuskit.config import Config
from corpuskit.kernels import Texts
from corpuskit.policy import PolicyConfig
from corpuskit.signals import WordsConfig
from pipelines.engine.worker import keep_memory

TITLE = "Quality signals, one core, text in memory"
BYTES = 32_000_000
REPEATS = 8
"""A pass takes a fifth of a second, in which a neighbour on the machine counts for much."""
DATATROVE_BYTES = 500_000
COMPARED, COMPARED_LENGTH = 300, 6_000
"""Documents whose decisions are compared, and the characters of each that are looked at."""
CORPORA = ("imdb_unsup", "eltec_eng", "zh_modern")
SEQUENCES = ("gopher", "c4", "fineweb@datatrove")
"""Gopher, C4 and FineWeb with n-grams as sequences of words."""
JOINED = ("gopher@datatrove", "c4@datatrove", "fineweb@datatrove")
"""The same by datatrove's definitions: n-grams are joined, and words are whitespace words or, by default, tokens."""
OTHERS = ("length", "composition", "repetition", "refinedweb", "redpajama", "compression")
"""The other groups that look at every character; `cleaning` times `language` and `url`."""
WHITESPACE = {name: WordsConfig(words="whitespace") for name in JOINED}
FILTERS = {
    "gopher@datatrove": ("GopherRepetitionFilter", "GopherQualityFilter"),
    "c4@datatrove": ("C4QualityFilter",),
    "fineweb@datatrove": ("FineWebQualityFilter",),
}
"""Preset -> the filters that it follows."""
CHAIN = tuple(name for names in FILTERS.values() for name in names)
HOSTILE = {
    "lines of one letter, 8 MB": ["a\n" * 4_000_000],
    "lines of one letter, 5 KB each": ["a\n" * 2500] * 1600,
    "line feeds": ["\n" * 4_000_000],
    "one word": ["the " * 2_000_000],
    "seven words": ["one two three four five six seven " * 200_000],
    "brackets": ["{[1]} " * 1_000_000],
}


def measure() -> Iterator[Row]:
    """Yield the groups together and each by itself, hostile texts, and where decisions differ from datatrove's."""
    keep_memory()  # as the workers of a pipeline do
    for corpus in corpora(*CORPORA):
        texts, sample = corpus.texts(BYTES), corpus.texts(DATATROVE_BYTES)
        peer = datatrove.measure(CHAIN, sample)
        yield _groups("Gopher, C4, FineWeb; n-grams as sequences", SEQUENCES, corpus.name, texts, peer, WHITESPACE)
        yield _groups("the same by datatrove's definitions", JOINED, corpus.name, texts, peer, WHITESPACE)
        yield _groups("by datatrove's definitions, words and marks as tokens", JOINED, corpus.name, texts, peer)
        for group in dict.fromkeys((*SEQUENCES, *JOINED, *OTHERS)):
            yield _groups(f"`{group}`", [group], corpus.name, texts, None)
    for name, texts in HOSTILE.items():
        hostile = pa.array(texts, pa.large_string())
        yield _groups("Gopher, C4, FineWeb; n-grams as sequences", SEQUENCES, name, hostile, None, WHITESPACE)
        yield _groups("the same by datatrove's definitions", JOINED, name, hostile, None, WHITESPACE)
    yield from _agreements()


def _groups(
    task: str,
    groups: Sequence[str],
    name: str,
    texts: pa.LargeStringArray,
    peer: datatrove.Measured | None,
    configs: Mapping[str, Config] = signals.NO_CONFIGS,
) -> Row:
    _compute(groups, texts.slice(0, 1), configs)  # compile
    ours = best(partial(_compute, groups, texts, configs), REPEATS)
    rate = megabytes(size_of(texts), ours.seconds)
    count = len(signals.schema(groups))
    row = {"task": f"{task}, {count} signals", "text": name, "rate": rate, "memory": ours.memory}
    if peer is None:
        return Row(**row)
    note = "datatrove chains its four filters and stops at the first rule that drops a document."
    return Row(**row, peer=f"{peer.peer}, four filters", peer_rate=peer.rate, note=note)


def _compute(groups: Sequence[str], texts: pa.LargeStringArray, configs: Mapping[str, Config]) -> pa.RecordBatch:
    return signals.compute(groups, Texts.from_arrow(texts), configs)


def _agreements() -> Iterator[Row]:
    """Yield on how many documents each preset decides as datatrove does, with the reasons where it does not."""
    for corpus in corpora("imdb_unsup", "acl_abstracts", "eltec_eng"):
        records = islice(corpus.records(), COMPARED)
        texts = pa.array([record["text"][:COMPARED_LENGTH] for record in records], pa.large_string())
        for preset, filters in FILTERS.items():
            peer = datatrove.measure(filters, texts)
            if peer is None:
                return
            differ = _differences(preset, texts, peer.reasons)
            listed = ", ".join(f"{count} x {ours} / {theirs}" for (ours, theirs), count in differ.most_common(5))
            yield Row(
                task=f"preset `{preset}` decides as {' and '.join(filters)}"
                + (f"; differ (ours / datatrove's): {listed}" if differ else ""),
                text=f"{len(texts):,} documents of {corpus.name}",
                rate=100 * (1 - differ.total() / len(texts)),
                unit="%",
            )


def _differences(preset: str, texts: pa.LargeStringArray, reasons: Sequence[str]) -> Counter[tuple[str, str]]:
    """Count the pairs of reasons, ours and datatrove's, of documents that one keeps and the other drops."""
    config = PolicyConfig(preset=preset)
    columns = signals.compute(sorted(policy.signals_needed(config)), Texts.from_arrow(texts))
    ours = policy.judge(config, columns)["reason"].to_pylist()
    pairs = zip(ours, reasons, strict=True)
    return Counter((own or "kept", theirs or "kept") for own, theirs in pairs if (own is None) != (not theirs))
