"""Tokenizer files of other programs: `tokenizer.json`, SentencePiece's `.model`, tiktoken's ranks.

The library that defines a file encodes with it, or a faster program that gives the same ids. Ids are the file's own:
none is reserved for the training stream, and a text that spells a special token is encoded as any other text.
"""

import contextlib
import re
import unicodedata
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import ArtifactError
from corpuskit.tokenization.bytelevel import BYTES, parallelism
from corpuskit.tokenization.pieces import encode_pieces
from corpuskit.tokenization.reserved import RESERVED, RESERVED_NAMES
from corpuskit.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    from corpuskit.tokenization.encoding.bert import BertEncoder
    from corpuskit.tokenization.encoding.bpe_json import ByteLevelBpe
    from corpuskit.tokenization.fast_bpe import FastBpe

    Fast = BertEncoder | ByteLevelBpe | FastBpe

SPACE = "\u2581"
"""How SentencePiece and Metaspace write a space."""
BYTE_NAME = re.compile("<0x[0-9A-F]{2}>")
"""How a token of `byte_fallback` is spelled."""
PROBES = (
    "",
    " ",
    "Two  spaces, a tab\tand\r\nlines.\n\n   Three more spaces ",
    "\tdef f(x):\n\t\treturn x + 1  # UPPER lower Title",
    "cafe\u0301 caf\u00e9 \ufb01ne \u2168 \uff21\uff22 \u00bd na\u00efve \u1e9e stra\u00dfe \u0130i",
    "\u4e2d\u6587\uff0c\u5168\u89d2\u3002\u65e5\u672c\u8a9e\u30ab\u30bf \ud55c\uad6d\uc5b4",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0e44\u0e17\u0e22",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u200b\u00a0\u3000\u2028 \u2581 \x00\x07 0123456789 3.14",
    "<|endoftext|><s></s>[MASK]<unk>\u2060##ing",
    "".join(map(chr, [*range(0xC0), *range(0xC0, 0x800, 0x40), 0x800, *range(0x1000, 0x10000, 0x1000)])),
    "\U00010000\U00040000\U00080000\U000c0000\U00100000",
)
"""Texts that a lossless tokenizer gives back, and on which a faster encoder must agree with the library; the last
two have every byte of UTF-8."""
HIDDEN = "\U0010ffff{}\U0010ffff"
"""How the vocabulary that encodes spells special token number so-and-so: characters that are none."""


class ImportedTokenizer(Tokenizer):
    """A tokenizer of a library's file, which need not hold the reserved ids."""

    def __init__(self, model: bytes, names: Sequence[str], tokens: Sequence[bytes], kind: str) -> None:
        """Make it from its file, the name and the text bytes of each id, and its algorithm."""
        self.reserved = tuple(names[:RESERVED]) == RESERVED_NAMES
        super().__init__(model, [b""] * RESERVED + list(tokens[RESERVED:]) if self.reserved else tokens)
        self.type = kind

    @cached_property
    def lossless(self) -> bool:  # type: ignore[override]
        """Whether the tokens' bytes add up to the text, for texts that lossy tokenizers change."""
        texts = pa.array(PROBES, pa.large_string())
        return bool(self.decode_bytes(self.encode(texts)).equals(texts.cast(pa.large_binary())))

    def decode(self, lists: pa.LargeListArray | pa.ListArray) -> pa.LargeStringArray:
        """Return the texts of token lists, as the library writes them where the tokens' bytes do not add up.

        Raises:
            IndexError: an id lies outside the vocabulary.
        """
        if self.lossless:
            return super().decode(lists)
        largest = pc.max(lists.flatten()).as_py()
        if largest is not None and largest >= self.vocab_size:  # libraries may pass over it without a word
            raise IndexError(f"id {largest} lies outside the vocabulary of {self}")
        return pa.array([self._decode_library(ids) for ids in lists.to_pylist()], pa.large_string())

    @abstractmethod
    def _decode_library(self, ids: list[int]) -> str:
        """Return the text of one list of ids."""


class HuggingFaceTokenizer(ImportedTokenizer):
    """A `tokenizer.json`."""

    file = "tokenizer.json"

    @classmethod
    def from_model(cls, model: bytes) -> "HuggingFaceTokenizer":
        """Load a tokenizer from the bytes of a `tokenizer.json`."""
        library = _library(model)
        fields = orjson.loads(model)
        table = [b""] * (1 + max(library.get_vocab(with_added_tokens=True).values(), default=-1))
        names = [library.id_to_token(number) or "" for number in range(len(table))]
        text = _Names(fields)
        for name, number in library.get_vocab(with_added_tokens=False).items():
            table[number] = text(name)
        merged = _merged(fields["model"])
        for number, token in library.get_added_tokens_decoder().items():
            if not token.special:
                table[number] = token.content.encode()
            elif token.content not in merged:  # else merges give it, of a text that spells it
                table[number] = b""
        return cls(model, names, table, fields["model"].get("type", "unknown").lower())

    @cached_property
    def lossless(self) -> bool:  # type: ignore[override]
        """Whether the tokens' bytes add up to the text: not where a rule takes off what probes may lack."""
        try:
            return not _takes_off(orjson.loads(self.model)) and super().lossless
        except ArtifactError:  # the library cannot encode every text
            return False

    @cached_property
    def _library(self) -> Any:
        return _library(self.model)

    @cached_property
    def _encoder(self) -> Any:
        return _library(hide_special(self.model))

    @cached_property
    def _fast(self) -> "Fast | None":
        """What encodes faster, or None where it gives other ids for the probes, or nothing takes the file."""
        hidden = hide_special(self.model)
        fields = orjson.loads(hidden)
        fast = _fast_encoder(hidden, fields)
        if fast is None:
            return None
        texts = pa.array([*PROBES, *_added_probes(fields)], pa.large_string())
        try:
            expected = self._encode_plainly(texts)
        except ArtifactError:  # some bytes are no tokens, nor is what stands for such: other texts may still be encoded
            return None
        same = all(np.array_equal(*pair) for pair in zip(fast.encode(texts), expected, strict=True))
        return fast if same else None

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        return self._fast.encode(texts) if self._fast else self._encode_plainly(texts)

    def _encode_plainly(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        return encode_pieces(texts, _whole, self._encode_batch)

    def _encode_batch(self, pieces: list[str]) -> list[np.ndarray]:
        with parallelism(False), _explained("{} cannot encode with this tokenizer.json"):
            encoded = self._encoder.encode_batch_fast(pieces, add_special_tokens=False)
        return [np.array(piece.ids, np.uint32) for piece in encoded]

    def _decode_library(self, ids: list[int]) -> str:
        return str(self._library.decode(ids))


class SentencePieceTokenizer(ImportedTokenizer):
    """A SentencePiece `.model`."""

    file = "tokenizer.model"

    @classmethod
    def from_model(cls, model: bytes) -> "SentencePieceTokenizer":
        """Load a tokenizer from the bytes of a `.model`."""
        from corpuskit.tokenization.formats.sentencepiece_proto import BPE, UNIGRAM, parse

        library = _processor(model)
        numbers = range(library.get_piece_size())
        kinds = {UNIGRAM: "unigram", BPE: "bpe"}
        kind = kinds.get(parse(model).trainer_spec.model_type, "unknown")
        names = [library.id_to_piece(number) for number in numbers]
        return cls(model, names, [_piece_text(library, number) for number in numbers], kind)

    @cached_property
    def _library(self) -> Any:
        return _processor(self.model)

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        return encode_pieces(texts, _whole, self._encode_batch)

    def _encode_batch(self, pieces: list[str]) -> list[np.ndarray]:
        return list(self._library.encode(pieces, return_type="numpy", num_threads=1))

    def _decode_library(self, ids: list[int]) -> str:
        return str(self._library.decode(ids))


def _whole(text: str) -> list[str]:
    """Leave a text whole: where a file of unknown rules may cut it is not known either."""
    return [text]


def _library(model: bytes) -> Any:
    import tokenizers

    with _explained("not a tokenizer.json that {} reads"):
        library = tokenizers.Tokenizer.from_buffer(model)
    library.encode_special_tokens = True
    library.no_padding()
    library.no_truncation()
    if getattr(library.model, "dropout", None):
        library.model.dropout = None  # random merges are for training, and `Tokenizer.sample` has them by a seed
    return library


@contextlib.contextmanager
def _explained(problem: str) -> Iterator[None]:
    """Turn what `tokenizers` raises, which has no class of its own, and its panics, which are no Exception, into one.

    Raises:
        ArtifactError: it raised something.
    """
    import tokenizers

    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            library = f"tokenizers {tokenizers.__version__}"
            raise ArtifactError(f"{problem.format(library)}: {error}") from error
        raise


def hide_special(model: bytes) -> bytes:
    """Return a `tokenizer.json` that no text finds a special token of; its ids stay.

    `tokenizers` can leave special tokens alone before it finds words, but what looks up whole words or pieces in the
    vocabulary (Unigram, WordPiece, WordLevel, BPE with `ignore_merges`) finds them there.
    """
    fields = orjson.loads(model)
    part, added = fields["model"], fields.get("added_tokens") or []
    hidden = {token["content"]: HIDDEN.format(token["id"]) for token in added if token["special"]}
    for name in _merged(part):  # spelled by its parts
        hidden.pop(name, None)
    if isinstance(part["vocab"], dict):
        part["vocab"] = {hidden.get(name, name): number for name, number in part["vocab"].items()}
        if part.get("unk_token") in hidden:
            part["unk_token"] = hidden[part["unk_token"]]
    else:
        part["vocab"] = [[hidden.get(name, name), score] for name, score in part["vocab"]]
    for token in added:
        token["content"] = hidden.get(token["content"], token["content"])
    return orjson.dumps(fields)


def _merged(part: dict[str, Any]) -> set[str]:
    """Return the names that merges have or give."""
    pairs = [pair if isinstance(pair, list) else pair.split(" ") for pair in part.get("merges") or []]
    return {name for left, right in pairs for name in (left, right, left + right)}


def _fast_encoder(model: bytes, fields: dict[str, Any]) -> "Fast | None":
    """Return what encodes a `tokenizer.json` faster than its library; fields: the same, parsed."""
    if fields["model"].get("type") == "WordPiece":
        from corpuskit.tokenization.encoding.bert import BertEncoder  # compiles kernels

        return BertEncoder.of_json(fields)
    from corpuskit.tokenization.encoding.bpe_json import fastest

    return None if _normal_tokens(fields) else fastest(model, fields)


def _normal_tokens(fields: dict[str, Any]) -> bool:
    """Whether tokens are looked for in normalised texts, where gigatoken at times gives other ids."""
    added = (token for token in fields.get("added_tokens") or [] if not token["special"])
    return bool(fields.get("normalizer")) and any(token.get("normalized") for token in added)


def _added_probes(fields: dict[str, Any]) -> list[str]:
    """Return texts with the added tokens of a file: alone, in a word, side by side, in other forms of their letters."""
    names = [token["content"] for token in fields.get("added_tokens") or [] if not token["special"]]
    forms = [[name, unicodedata.normalize("NFD", name), name.swapcase()] for name in names]
    return [f"a{form}b {form} {form}{form[:-1]}{form}\n {form}, ({form})" for found in forms for form in found] + [
        "".join(names),
        "".join(reversed(names)),
    ]


def _processor(model: bytes) -> Any:
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_proto=model)
    except RuntimeError as error:
        raise ArtifactError(f"not a SentencePiece model: {error}") from error


def _piece_text(library: Any, number: int) -> bytes:
    if library.is_control(number) or library.is_unknown(number) or library.is_unused(number):
        return b""
    name: str = library.id_to_piece(number)
    return bytes([int(name[3:5], 16)]) if library.is_byte(number) else name.replace(SPACE, " ").encode()


def _takes_off(fields: dict[str, Any]) -> bool:
    """Whether texts lose what some pattern matches, or spaces beside a token, or two texts become one."""
    words = _parts(fields.get("pre_tokenizer"))
    removed = any(part.get("behavior") == "Removed" and not part.get("invert") for part in words)
    kinds = {part.get("type") for part in words} | {part.get("type") for part in _parts(fields.get("normalizer"))}
    added = [token for token in fields.get("added_tokens") or [] if not token["special"]]
    stripped = any(token.get("lstrip") or token.get("rstrip") for token in added)
    odd = not kinds.isdisjoint({"Replace", "CharDelimiterSplit", "UnicodeScripts"})
    return removed or stripped or odd or _means_two(fields)


def _means_two(fields: dict[str, Any]) -> bool:
    """Whether an added token is found as it is written, and merges give it for other bytes."""
    text, merged = _Names(fields), _merged(fields["model"])
    names = {token["content"] for token in fields.get("added_tokens") or [] if not token["special"]}
    return any(text(name) != name.encode() for name in names & merged)


class _Names:
    """Turns the names of a `tokenizer.json`'s vocabulary into the bytes they stand for, by its decoder."""

    def __init__(self, fields: dict[str, Any]) -> None:
        kinds = _kinds(fields.get("decoder")) | _kinds(fields.get("pre_tokenizer"))
        self.byte_level = "ByteLevel" in kinds
        self.spaces = bool({"Metaspace", "Replace"} & kinds)
        self.fallback = bool(fields["model"].get("byte_fallback"))
        self.prefix: str = fields["model"].get("continuing_subword_prefix") or ""
        self.suffix: str = fields["model"].get("end_of_word_suffix") or ""
        self.starts_words = fields["model"].get("type") == "WordPiece"

    def __call__(self, name: str) -> bytes:
        if self.byte_level:
            return b"".join(
                bytes([BYTES[character]]) if character in BYTES else character.encode() for character in name
            )
        if self.fallback and BYTE_NAME.fullmatch(name):
            return bytes([int(name[3:5], 16)])
        if self.prefix and name.startswith(self.prefix):
            return name.removeprefix(self.prefix).encode()
        if self.suffix and name.endswith(self.suffix):
            return f"{name.removesuffix(self.suffix)} ".encode()
        if self.starts_words:
            return f" {name}".encode()
        return (name.replace(SPACE, " ") if self.spaces else name).encode()


def _kinds(component: Any) -> set[str]:
    return {part.get("type", "") for part in _parts(component)}


def _parts(component: Any) -> list[dict[str, Any]]:
    """Return a decoder, pre-tokenizer or normalizer and those inside it."""
    if not isinstance(component, dict):
        return []
    inside = component.get("decoders") or component.get("pretokenizers") or component.get("normalizers") or []
    return [component, *(found for part in inside for found in _parts(part))]
