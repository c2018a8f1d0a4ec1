"""Unigram models of real text, against those of SentencePiece."""

import gzip
import io
import json
import math
import os
import re
from collections import Counter
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from corpuskit.kernels import Texts
from corpuskit.tokenization.counts import WordCounts, count_words
from corpuskit.tokenization.training.unigram import UnigramModel, train_unigram

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent"), "text")
pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA names no folder"),
    pytest.mark.slow,
]
OPTIONS = {
    "model_type": "unigram",
    "normalization_rule_name": "identity",
    "add_dummy_prefix": False,
    "remove_extra_whitespaces": False,
    "allow_whitespace_only_pieces": True,
    "character_coverage": 1.0,
    "max_sentence_length": 1 << 20,
    "num_threads": 2,
    "minloglevel": 2,
}


def sample(name: str, n_bytes: int) -> tuple[list[str], list[str]]:
    """Return the lines of every document but each tenth of the first `n_bytes`, and of the others."""
    train: list[str] = []
    held: list[str] = []
    with zstandard.ZstdDecompressor().stream_reader((DATA / name / f"{name}.jsonl.zst").open("rb")) as stream:
        for number, line in enumerate(io.TextIOWrapper(stream, "utf-8")):
            text = json.loads(line)["text"].replace("\u2581", " ").replace("\u2585", " ").replace("\0", " ")
            (train if number % 10 else held).extend(part for part in text.split("\n") if part.strip())
            n_bytes -= len(text.encode())
            if n_bytes < 0:
                return train, held
    return train, held


def count(lines: list[str]) -> WordCounts:
    return count_words([Texts.from_arrow(pa.array(lines, pa.large_string()))], "metaspace_runs")


def known(lines: list[str], characters: set[str]) -> list[str]:
    """Leave out what the alphabet does not hold: the two programs have other ways to encode it."""
    outside = re.compile("[^" + "".join(map(re.escape, sorted(characters))) + "]+")
    return [part for line in lines for part in outside.split(line) if part]


def alphabet(lines: list[str]) -> set[str]:
    """Return the commonest characters, which make up 99.95 % of the lines."""
    totals = Counter(character for line in lines for character in line)
    left = 0.9995 * totals.total()
    kept = set()
    for character, occurrences in totals.most_common():
        if left <= 0:
            break
        kept.add(character)
        left -= occurrences
    return kept


def sentencepiece_scores(lines: list[str], size: int) -> dict[str, float]:
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=size + 3, **OPTIONS
    )
    made = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return {made.id_to_piece(i).replace("\u2581", " "): made.get_score(i) for i in range(3, made.get_piece_size())}


def scores_of(model: UnigramModel) -> dict[str, float]:
    return {piece.decode(): score for piece, score in zip(model.pieces.to_pylist(), model.scores.tolist(), strict=True)}


def normalized(scores: dict[str, float]) -> dict[str, float]:
    """Let the probabilities add up to 1: those of SentencePiece add up to less, which likelihood should not pay for."""
    total = math.log(sum(map(math.exp, scores.values())))
    return {piece: score - total for piece, score in scores.items()}


def bits(scores: dict[str, float], words: dict[str, int]) -> tuple[float, float]:
    """Return bits per byte of words by their likeliest segmentations, and by all."""
    best_of_all = all_of_all = n_bytes = 0.0
    for word, occurrences in words.items():
        best, every = [0.0] + [-math.inf] * len(word), [0.0] + [-math.inf] * len(word)
        for start in range(len(word)):
            for stop in range(start + 1, min(len(word), start + 16) + 1):
                score = scores.get(word[start:stop])
                if score is not None:
                    best[stop] = max(best[stop], best[start] + score)
                    high, low = sorted((every[stop], every[start] + score), reverse=True)
                    every[stop] = high if low == -math.inf else high + math.log1p(math.exp(low - high))
        best_of_all += occurrences * best[-1]
        all_of_all += occurrences * every[-1]
        n_bytes += occurrences * len(word.encode())
    return -best_of_all / n_bytes / math.log(2), -all_of_all / n_bytes / math.log(2)


@pytest.mark.parametrize(
    ("name", "n_bytes", "size", "common"),
    [("acl_abstracts", 3_000_000, 8000, 0.7), ("zh_modern", 3_000_000, 12000, 0.8)],
)
def test_at_least_as_likely_as_sentencepiece(name: str, n_bytes: int, size: int, common: float) -> None:
    train, held = sample(name, n_bytes)
    characters = alphabet(train)
    train, held = known(train, characters), known(held, characters)
    counted = count(train)
    ours = scores_of(train_unigram(counted, 384 + size, coverage=1.0))
    theirs = normalized(sentencepiece_scores(train, size))
    assert len(ours) == len(theirs) == size
    shared = len(ours.keys() & theirs.keys()) / size
    for words in (counted, count(held)):
        texts = dict(zip((word.decode() for word in words.words.to_pylist()), words.counts.tolist(), strict=True))
        texts = dict(islice(texts.items(), 0, None, 1 + len(texts) // 10_000))
        (best, every), (other_best, other_every) = bits(ours, texts), bits(theirs, texts)
        print(
            f"{name}: {shared:.1%} in common; bits per byte {best:.4f} {every:.4f}, {other_best:.4f} {other_every:.4f}"
        )
        assert best < other_best
        assert every < other_every
    assert shared > common


def test_text_and_counts_and_threads_give_the_same_model() -> None:
    train, _ = sample("imdb_unsup", 3_000_000)
    models = [train_unigram(count(lines), 8192, threads=threads) for lines, threads in ((train, 1), (train[::-1], 2))]
    assert models[0].pieces.equals(models[1].pieces)
    assert models[0].scores.tobytes() == models[1].scores.tobytes()
    assert len(models[0]) == 8192 - 384


def test_many_languages() -> None:
    lines: list[str] = []
    for path in sorted((DATA / "bible_nt" / "verses").glob("*.tsv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines.extend(line.rstrip("\n").split("\t")[-1] for line in islice(file, 400))
    model = train_unigram(count(lines), 8192)
    assert len(model) == 8192 - 384
    assert model.warnings == ()
    assert model.coverage > 0.9995
