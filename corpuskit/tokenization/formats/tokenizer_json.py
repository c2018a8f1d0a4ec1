"""`tokenizer.json`, composed by `tokenizers` itself of a trained vocabulary, its words and its normal form."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from corpuskit.errors import InputError
from corpuskit.tokenization.bytelevel import byte_alphabet
from corpuskit.tokenization.normalization import Normalization
from corpuskit.tokenization.patterns import OWN, PATTERNS, WHITESPACE_WORDS


def spelled(tokens: Iterable[bytes], prefix: str = "") -> list[str]:
    """Return tokens in GPT-2's byte alphabet, after a prefix."""
    alphabet = byte_alphabet()
    return [prefix + "".join(alphabet[byte] for byte in token) for token in tokens]


def byte_level_bpe(
    names: Sequence[str],
    merges: np.ndarray,
    pretokenizer: str,
    normalization: Normalization,
    protected: Sequence[tuple[str, int]] = (),
) -> bytes:
    """Return the file of a byte-level BPE tokenizer.

    Args:
        names: each id's name: reserved names, then tokens as `spelled` gives them.
        merges: int32[k, 2], the ids of the two parts of each merge, in the order of the merges.
        pretokenizer: what a word is.
        normalization: what is done to texts before.
        protected: texts that are always one token, and their ids.

    Raises:
        InputError: the file cannot say this.
    """
    from tokenizers import Tokenizer, decoders, models

    _check_distinct(names)
    vocabulary = {name: number for number, name in enumerate(names)}
    pairs = [(names[left], names[right]) for left, right in merges.tolist()]
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    made.decoder = decoders.ByteLevel()
    return _finished(made, byte_level_words(pretokenizer), normalization, protected)


def _check_distinct(names: Sequence[str]) -> None:
    twice, times = Counter(names).most_common(1)[0]
    if times == 1:
        return
    raise InputError(
        f"two ids have the name {twice!r}, of which a tokenizer.json can hold one: a protected text is spelled as a "
        "reserved id is, or as other bytes are in the byte alphabet"
    )


def byte_level_wordpiece(
    names: Sequence[str], prefix: str, unknown: str, longest_word: int, pretokenizer: str, normalization: Normalization
) -> bytes:
    """Return the file of a WordPiece tokenizer over bytes.

    Args:
        names: each id's name: reserved names, then tokens as `spelled` gives them, with `prefix` inside words.
        prefix: marks a token inside a word.
        unknown: the name of the id that words without tokens get; all bytes are tokens, so that there is none.
        longest_word: bytes after which a word is cut.
        pretokenizer: what a word is.
        normalization: what is done to texts before.

    Raises:
        InputError: the file cannot say this.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    made = Tokenizer(
        models.WordPiece(
            vocab={name: number for number, name in enumerate(names)},
            unk_token=unknown,
            max_input_chars_per_word=longest_word,
            continuing_subword_prefix=prefix,
        )
    )
    made.decoder = decoders.Sequence([decoders.Replace(prefix, ""), decoders.Fuse(), decoders.ByteLevel()])
    words = pre_tokenizers.Sequence([*_parts(pretokenizer), pre_tokenizers.FixedLength(longest_word)])
    return _finished(made, words, normalization)


def bert_wordpiece(names: Sequence[str], unknown: str, normalization: Normalization) -> bytes:
    """Return the file of a WordPiece tokenizer as BERT has it: `##` inside words, white space and controls dropped.

    Accents stay with `lower`, which BERT's uncased models take off: the words were counted with them.

    Args:
        names: each id's name: reserved names, then tokens, with `##` inside words.
        unknown: the name of the id that words without tokens get.
        normalization: what is done to texts before.

    Raises:
        InputError: the file cannot say this.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    vocabulary = {name: number for number, name in enumerate(names)}
    made = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token=unknown, continuing_subword_prefix="##"))
    before = normalizer(normalization)
    bert = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    made.normalizer = bert if before is None else normalizers.Sequence([before, bert])
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix="##")
    return _written(made)


def byte_level_words(pretokenizer: str) -> Any:
    """Return what cuts a text into words and writes them in the byte alphabet.

    Raises:
        InputError: `tokenizers` has no such words.
    """
    from tokenizers import pre_tokenizers

    parts = _parts(pretokenizer)
    return parts[0] if len(parts) == 1 else pre_tokenizers.Sequence(parts)


def _parts(pretokenizer: str) -> list[Any]:
    from tokenizers import Regex, pre_tokenizers

    if pretokenizer == "gpt2":
        return [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    patterns = {**PATTERNS, **WHITESPACE_WORDS}
    own = pretokenizer.startswith(OWN)
    if not own and pretokenizer not in patterns:
        raise InputError(f"tokens over bytes need words that tile a text, and those of {pretokenizer!r} do not")
    pattern = pretokenizer.removeprefix(OWN) if own else patterns[pretokenizer]
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]


def pretokenizer_of(fields: Mapping[str, Any]) -> str | None:
    """Return what a word is to a byte-level `tokenizer.json`; None where corpuskit has no name for it."""
    words = fields.get("pre_tokenizer") or {}
    parts = [part for part in words.get("pretokenizers", [words]) if part.get("type") != "FixedLength"]
    kinds = [part.get("type") for part in parts]
    if any(part.get("add_prefix_space") for part in parts):
        return None
    if kinds == ["ByteLevel"] and parts[0].get("use_regex", True):
        return "gpt2"
    if kinds != ["Split", "ByteLevel"] or parts[1].get("use_regex", True) or not isolates(parts[0]):
        return None
    pattern = parts[0]["pattern"].get("Regex")
    names = {own: name for name, own in {**PATTERNS, **WHITESPACE_WORDS}.items()}
    return pattern and names.get(pattern, OWN + pattern)


def isolates(split: Mapping[str, Any]) -> bool:
    """Whether words are the matches of a `Split`, and what lies between them."""
    return split["behavior"] == "Isolated" and not split.get("invert")


def normalization_of(fields: Mapping[str, Any]) -> Normalization | None:
    """Return what a `tokenizer.json` does to texts before; None where corpuskit has no name for it."""
    names: dict[str | None, Normalization] = {None: "none", "NFC": "nfc", "NFKC": "nfkc", "Lowercase": "lower"}
    return names.get((fields.get("normalizer") or {}).get("type"))


def normalizer(normalization: Normalization) -> Any:
    """Return the normalizer of a `tokenizer.json`; None for texts as they are."""
    from tokenizers import normalizers

    plain: Mapping[str, Any] = {"nfc": normalizers.NFC, "nfkc": normalizers.NFKC, "lower": normalizers.Lowercase}
    if normalization == "none":
        return None
    if normalization == "nmt_nfkc":
        raise InputError("tokens over bytes take no nmt_nfkc: it collapses white space, which is SentencePiece's own")
    return plain[normalization]()


def _finished(made: Any, words: Any, normalization: Normalization, protected: Sequence[tuple[str, int]] = ()) -> bytes:
    made.pre_tokenizer = words
    before = normalizer(normalization)
    if before is not None:
        made.normalizer = before
    return _written(made, protected)


def _written(made: Any, protected: Sequence[tuple[str, int]] = ()) -> bytes:
    """Return the file; reserved names are in its vocabulary and nowhere else, so no text can spell one."""
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    added = [{"id": number, "content": text, **plain} for text, number in protected]
    return orjson.dumps({**orjson.loads(made.to_str()), "added_tokens": added})
