"""From one tokenizer file to another, and a check that both give the same ids."""

import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import orjson
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.tokenization.bytelevel import BYTES
from corpuskit.tokenization.formats import tiktoken
from corpuskit.tokenization.formats.sentencepiece_proto import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    parse,
)
from corpuskit.tokenization.formats.tokenizer_json import byte_level_bpe, isolates, spelled
from corpuskit.tokenization.imported import HuggingFaceTokenizer, SentencePieceTokenizer
from corpuskit.tokenization.patterns import PATTERNS
from corpuskit.tokenization.tokenizer import Tokenizer

Format = Literal["tokenizer.json", "sentencepiece", "tiktoken"]
SPACE = "\u2581"
NO_PIECE_CROSSES = rf"{SPACE}*[^{SPACE}\n]+|\n+|{SPACE}+"
"""Words of a Unigram text, spaces written as U+2581, that no piece of corpuskit's goes beyond."""
NEVER = -1000.0
"""Score of pieces that SentencePiece does not look for in texts, and `tokenizers` does: lower than any that it does."""


def convert(tokenizer: Tokenizer, target: Format) -> bytes:
    """Return a tokenizer as a file of another format; `check` tells whether it gives the same ids.

    Raises:
        InputError: the format cannot express this tokenizer; why.
    """
    made = _CONVERSIONS.get((tokenizer.file, target))
    if made is None:
        raise InputError(f"nothing turns a {tokenizer.file} into {target}")
    return made(tokenizer)


def check(tokenizer: Tokenizer, data: bytes, target: Format, texts: pa.Array) -> int:
    """Encode texts with a converted file, in the library that reads it, and compare the ids.

    Args:
        tokenizer: the one that was converted.
        data: the file that `convert` gave.
        target: its format.
        texts: string or large_string[n].

    Returns:
        How many ids were compared.

    Raises:
        InputError: the ids of a text differ: which text, and where; or the library is not installed.
    """
    ours = tokenizer.encode(texts)
    theirs = _READERS[target](data, tokenizer)(texts)
    for row, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        expected, found = mine.values.to_numpy(), np.asarray(other, np.int64)
        if not np.array_equal(expected, found):
            raise InputError(_difference(row, texts[row].as_py(), expected, found, target))
    return len(ours.flatten())


def _difference(row: int, text: str, expected: np.ndarray, found: np.ndarray, target: Format) -> str:
    shared = min(len(expected), len(found))
    place = (
        int(np.argmax(expected[:shared] != found[:shared])) if (expected[:shared] != found[:shared]).any() else shared
    )
    return (
        f"as {target} the tokenizer gives other ids for text {row} ({text[:60]!r}): from token {place} on "
        f"{found[place : place + 6].tolist()} instead of {expected[place : place + 6].tolist()}"
    )


def _same(tokenizer: Tokenizer) -> bytes:
    return tokenizer.model


def _json_to_ranks(tokenizer: Tokenizer) -> bytes:
    """Write byte-level BPE as ranks: a token's rank is its id, and merges happen in the order of ids."""
    fields = orjson.loads(tokenizer.model)
    if tokenizer.type != "bpe" or not _is_byte_level(fields):
        raise InputError(f"tiktoken's ranks are those of byte-level BPE, and this is {_described(tokenizer, fields)}")
    pattern(fields)
    added = {token["id"]: token for token in fields["added_tokens"]}
    whole = [token["content"] for token in added.values() if not token["special"]]
    if whole:
        raise InputError(
            f"tiktoken's ranks have no texts that are always one token, and this tokenizer has {whole[0]!r}"
        )
    tokens = {
        bytes(BYTES[character] for character in name): number
        for name, number in fields["model"]["vocab"].items()
        if number not in added and all(character in BYTES for character in name)
    }
    return tiktoken.write({token: number for token, number in tokens.items() if token})


def pattern(fields: Any) -> str:
    """Return the regular expression by which a byte-level `tokenizer.json` finds words, as tiktoken takes it.

    Raises:
        InputError: its words are not those of one expression, or texts are normalised before.
    """
    if fields.get("normalizer"):
        raise InputError("tiktoken normalises nothing, and this tokenizer does")
    words = fields.get("pre_tokenizer") or {"type": "none at all"}
    parts = words.get("pretokenizers", [words])
    kinds = [part["type"] for part in parts]
    if any(part.get("add_prefix_space") for part in parts):
        raise InputError("tiktoken adds no space in front of a text, and this tokenizer does")
    if kinds == ["ByteLevel"] and parts[0].get("use_regex", True):
        return PATTERNS["gpt2"]
    alone = kinds == ["Split", "ByteLevel"] and isolates(parts[0]) and not parts[1].get("use_regex", True)
    if alone and "Regex" in parts[0]["pattern"]:
        return str(parts[0]["pattern"]["Regex"])
    raise InputError(f"tiktoken finds words by one regular expression, and this tokenizer by {' and '.join(kinds)}")


def _is_byte_level(fields: Any) -> bool:
    return '"ByteLevel"' in orjson.dumps([fields.get("pre_tokenizer"), fields.get("decoder")]).decode()


def _described(tokenizer: Tokenizer, fields: Any) -> str:
    return f"{'byte-level ' * _is_byte_level(fields)}{tokenizer.type}"


def _json_to_sentencepiece(tokenizer: Tokenizer) -> bytes:
    fields = orjson.loads(tokenizer.model)
    raise InputError(
        f"SentencePiece's pieces are whole characters, and words end at spaces alone; this is "
        f"{_described(tokenizer, fields)}, which it cannot express"
    )


def _sentencepiece_to_json(tokenizer: Tokenizer) -> bytes:
    """Write a SentencePiece model for `tokenizers`: the same pieces, scores or merges, and normal form."""
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models

    parsed = parse(tokenizer.model)
    names = [piece.piece for piece in parsed.pieces]
    if len(set(names)) < len(names):
        raise InputError("two pieces have the same name, which a tokenizer.json cannot hold")
    _check_expressible(parsed)
    fallback = parsed.trainer_spec.byte_fallback
    unknown = next((number for number, piece in enumerate(parsed.pieces) if piece.type == UNKNOWN), None)
    model: Any
    if parsed.trainer_spec.model_type == BPE:
        vocabulary = {name: number for number, name in enumerate(names)}
        unk = None if unknown is None else names[unknown]
        model = models.BPE(vocabulary, _merges(parsed), unk_token=unk, fuse_unk=True, byte_fallback=fallback)
    else:
        scores = [float(piece.score) if piece.type == NORMAL else NEVER for piece in parsed.pieces]
        model = models.Unigram(list(zip(names, scores, strict=True)), unknown, fallback)
    made = Library(model)
    _set_normalizer(made, parsed)
    made.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    if parsed.trainer_spec.model_type == UNIGRAM:  # it looks for all its pieces in a text, unless they are special
        made.add_special_tokens([piece.piece for piece in parsed.pieces if piece.type == CONTROL])
        return made.to_str().encode()
    return orjson.dumps({**orjson.loads(made.to_str()), "added_tokens": []})


def _check_expressible(parsed: Any) -> None:
    """Refuse what a `tokenizer.json` gives other ids for.

    Raises:
        InputError: what that is.
    """
    kinds = {piece.type for piece in parsed.pieces}
    trainer, spec = parsed.trainer_spec, parsed.normalizer_spec
    reasons = {
        "it is a model of whole words or single characters": trainer.model_type not in (BPE, UNIGRAM),
        "it has symbols of a user's that are always one piece": USER_DEFINED in kinds,
        "it has BPE pieces that merge further and are then taken apart": trainer.model_type == BPE and UNUSED in kinds,
        "its spaces end words": trainer.treat_whitespace_as_suffix,
        "its spaces stay U+0020": not spec.escape_whitespaces,
    }
    for reason, holds in reasons.items():
        if holds:
            raise InputError(f"a tokenizer.json gives other ids than this SentencePiece model: {reason}")


def _set_normalizer(made: Any, parsed: Any) -> None:
    from tokenizers import Regex, normalizers, pre_tokenizers

    spec = parsed.normalizer_spec
    steps: list[Any] = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps += [normalizers.Replace(Regex(r"\A +| +\z"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    if spec.add_dummy_prefix:
        steps.append(normalizers.Prepend(SPACE))
    made.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])
    plain = (piece.piece for piece in parsed.pieces if piece.type == NORMAL)
    if not steps and all(re.fullmatch(NO_PIECE_CROSSES, piece) for piece in plain):  # else a long text is one word
        made.pre_tokenizer = pre_tokenizers.Split(Regex(NO_PIECE_CROSSES), "isolated")


def _merges(parsed: Any) -> list[tuple[str, str]]:
    """Return the merges of a BPE model: of each piece all pairs it may come from, better pieces first."""
    plain = {piece.piece: piece.score for piece in parsed.pieces if piece.type not in (UNKNOWN, CONTROL, BYTE)}
    found = []
    for name in sorted(plain, key=lambda name: -plain[name]):
        pairs = [(name[:place], name[place:]) for place in range(1, len(name))]
        known = [pair for pair in pairs if pair[0] in plain and pair[1] in plain]
        found += sorted(known, key=lambda pair: (-plain[pair[0]], -plain[pair[1]]))
    return found


def _model_to_ranks(tokenizer: Tokenizer) -> bytes:
    raise InputError(
        f"tiktoken's ranks are those of byte-level BPE, and this is a SentencePiece {tokenizer.type} model"
    )


_CONVERSIONS: dict[tuple[str, Format], Callable[[Tokenizer], bytes]] = {
    ("tokenizer.json", "tokenizer.json"): _same,
    ("tokenizer.json", "tiktoken"): _json_to_ranks,
    ("tokenizer.json", "sentencepiece"): _json_to_sentencepiece,
    ("tokenizer.model", "sentencepiece"): _same,
    ("tokenizer.model", "tokenizer.json"): _sentencepiece_to_json,
    ("tokenizer.model", "tiktoken"): _model_to_ranks,
}
Encode = Callable[[pa.Array], Any]


def _read_json(data: bytes, _: Tokenizer) -> Encode:
    read = HuggingFaceTokenizer.from_model(data)
    return lambda texts: (ids.values.to_numpy() for ids in read.encode(texts))


def _read_sentencepiece(data: bytes, _: Tokenizer) -> Encode:
    read = SentencePieceTokenizer.from_model(data)
    return lambda texts: (ids.values.to_numpy() for ids in read.encode(texts))


def _read_ranks(data: bytes, tokenizer: Tokenizer) -> Encode:
    try:
        import tiktoken as library
    except ImportError:
        raise InputError("tiktoken is not installed, so its file cannot be checked: pip install tiktoken") from None
    words = pattern(orjson.loads(tokenizer.model))
    read = library.Encoding("converted", pat_str=words, mergeable_ranks=tiktoken.read(data), special_tokens={})
    return lambda texts: (read.encode_ordinary(text) for text in texts.to_pylist())


_READERS: dict[Format, Callable[[bytes, Tokenizer], Encode]] = {
    "tokenizer.json": _read_json,
    "sentencepiece": _read_sentencepiece,
    "tiktoken": _read_ranks,
}


def ranks_to_json(data: bytes, pretokenizer: str, special: dict[str, int] | None = None) -> bytes:
    """Return tiktoken's ranks as a `tokenizer.json`, merges and all.

    Args:
        data: the ranks.
        pretokenizer: what a word is: a file of ranks does not say.
        special: ids of special tokens by name.

    Raises:
        ArtifactError: they are no ranks, or a token is no pair of others.
        InputError: no pre-tokenizer has that name.
    """
    ranks = tiktoken.read(data)
    size = 1 + max([*ranks.values(), *(special or {}).values()])
    names = [f"\u27e8unused_{number}\u27e9" for number in range(size)]
    for token, name in zip(ranks, spelled(ranks), strict=True):
        names[ranks[token]] = name
    for name, place in (special or {}).items():
        names[place] = name
    pairs = [(ranks[left], ranks[right]) for left, right in tiktoken.merges(ranks)]
    return byte_level_bpe(names, np.array(pairs, np.int32).reshape(-1, 2), pretokenizer, "none")
