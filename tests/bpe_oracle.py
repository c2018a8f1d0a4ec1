"""Slow, obvious training of BPE and WordPiece, and the libraries' trainers, for comparison."""

import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from corpuskit.tokenization.bytelevel import BYTES, byte_alphabet
from corpuskit.tokenization.training import BpeModel

Pair = tuple[int, int]
Merge = tuple[bytes, bytes]
Score = Callable[[Pair, Counter[Pair], Counter[int]], float]


def by_count(pair: Pair, pairs: Counter[Pair], singles: Counter[int]) -> float:
    return pairs[pair]


def by_likelihood(pair: Pair, pairs: Counter[Pair], singles: Counter[int]) -> float:
    return pairs[pair] / (float(singles[pair[0]]) * singles[pair[1]])


def slow_merges(
    words: Sequence[tuple[list[int], int]],
    tokens: list[str],
    vocab_size: int,
    *,
    least: int = 1,
    longest: int = 1 << 30,
    score: Score = by_count,
    by_spelling: bool = False,
) -> list[tuple[int, int, int]]:
    """Return left id, right id and how often the merge was done; `tokens` is what each id spells, and grows."""
    words, merges = [(list(ids), count) for ids, count in words], []
    while len(tokens) < vocab_size:
        pairs: Counter[Pair] = Counter()
        singles: Counter[int] = Counter()
        for ids, count in words:
            for one in ids:
                singles[one] += count
            for pair in pairwise(ids):
                pairs[pair] += count
        fitting = [p for p in pairs if pairs[p] >= least and len(tokens[p[0]] + tokens[p[1]]) <= longest]
        if not fitting:
            break

        def rank(pair: Pair, pairs: Counter[Pair] = pairs, singles: Counter[int] = singles) -> tuple[object, ...]:
            spelled = tokens[pair[0]] + tokens[pair[1]]
            tie = (len(spelled), spelled.encode()) if by_spelling else pair
            return (-score(pair, pairs, singles), tie)

        best = min(fitting, key=rank)
        words = [(replaced(ids, best, len(tokens)), count) for ids, count in words]
        merges.append((*best, sum(ids.count(len(tokens)) * count for ids, count in words)))
        tokens.append(tokens[best[0]] + tokens[best[1]])
    return merges


def replaced(ids: list[int], pair: Pair, merged: int) -> list[int]:
    """Merge a pair from the left."""
    new: list[int] = []
    for one in ids:
        if new and (new[-1], one) == pair:
            new[-1] = merged
        else:
            new.append(one)
    return new


def spelled(model: BpeModel) -> list[Merge]:
    """Return the merges as bytes."""
    return [(model.tokens[left], model.tokens[right]) for left, right in model.merges.tolist()]


def huggingface(texts: Sequence[str], vocab_size: int, *, split: bool = True) -> list[Merge]:
    """Return the merges of `tokenizers` over GPT-2's words, or over the texts as they are."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=0, initial_alphabet=byte_alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    merges = orjson.loads(tokenizer.to_str())["model"]["merges"]
    return [(_bytes(left), _bytes(right)) for left, right in merges]


def _bytes(shown: str) -> bytes:
    return bytes(BYTES[character] for character in shown)


def gigatoken(texts: Sequence[str], vocab_size: int, ties: str) -> list[Merge]:
    """Return the merges of gigatoken over GPT-2's words; its separator must not be in the texts."""
    import gigatoken

    data = "<|endoftext|>".join(texts).encode()
    return gigatoken.train_bpe(data, vocab_size, [], tie_breaking=ties)[1]


def rustbpe(texts: Sequence[str], vocab_size: int) -> list[bytes]:
    """Return the tokens of rustbpe over GPT-2's words."""
    module = pytest.importorskip("rustbpe")
    tokenizer = module.Tokenizer()
    tokenizer.train_from_iterator(iter(texts), vocab_size, pattern=GPT2)
    return [bytes(token) for token, _ in sorted(tokenizer.get_mergeable_ranks(), key=lambda ranked: ranked[1])]


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def sentencepiece(counted: Mapping[str, int], vocab_size: int, folder: Path, **options: Any) -> list[bytes]:
    """Return the pieces that SentencePiece trains from counted words, without `<unk>`, its merges first."""
    import sentencepiece as library

    path, model = folder / "words.tsv", io.BytesIO()
    path.write_text("".join(f"{word}\t{count}\n" for word, count in counted.items()), "utf-8", newline="\n")
    library.SentencePieceTrainer.train(
        input=str(path),
        input_format="tsv",
        model_writer=model,
        model_type="bpe",
        vocab_size=vocab_size + 1,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        split_by_unicode_script=False,
        split_by_number=False,
        hard_vocab_limit=False,
        max_sentence_length=1 << 24,
        bos_id=-1,
        eos_id=-1,
        minloglevel=2,
        **options,
    )
    processor = library.SentencePieceProcessor(model_proto=model.getvalue())
    names = [processor.id_to_piece(index) for index in range(1, processor.get_piece_size())]
    return [name.replace("\u2581", " ").encode() for name in names]


def space_words(texts: Sequence[str]) -> Counter[str]:
    """Count words that begin with their space, those that SentencePiece takes from a text without other spaces."""
    reserved = re.compile("[\u2581\u2585\0\x1f]")
    return Counter(" " + word for text in texts for word in text.split() if not reserved.search(word))
