"""What every tokenizer does: whole Arrow columns to token lists and back."""

import functools
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import orjson
import pyarrow as pa

from corpuskit import storage
from corpuskit.errors import InputError
from corpuskit.shards.layout import token_dtype
from corpuskit.tokenization.reserved import RESERVED, RESERVED_NAMES

FORMAT_VERSION = 1
CONFIG_FILE = "tokenizer_config.json"
TRAINING_FILE = "training.json"
_NAMED = ("pad", "unk", "bos", "eos", "cls", "sep", "mask")
_RESERVED_CONFIG = {
    "reserved": dict(zip(RESERVED_NAMES, range(RESERVED), strict=True)),
    "tokenizer_class": "PreTrainedTokenizerFast",
    **{f"{name}_token": RESERVED_NAMES[number] for number, name in enumerate(_NAMED)},
}
"""What the folder says of reserved ids, to corpuskit and to `transformers`."""


class Tokenizer(ABC):
    """A trained tokenizer: immutable, picklable, decided by the bytes of one file."""

    type: str
    """bpe, wordpiece or unigram; of other programs' files also other algorithms."""
    file: ClassVar[str]
    """Name of the file that decides the ids."""
    reserved: bool = True
    """Whether ids 0 to 127 are corpuskit's, which no text gives and the training stream adds."""
    lossless: bool = True
    """Whether decoding always gives the text back; bits per byte of others cannot be compared."""

    def __init__(self, model: bytes, tokens: Sequence[bytes]) -> None:
        """Make a tokenizer from its file and the text bytes of each id (empty for reserved ids)."""
        self.model = model
        self._table = pa.array(tokens, pa.large_binary())

    def __reduce__(self) -> tuple[Callable[..., "Tokenizer"], tuple[Any, ...]]:
        return type(self).from_model, (self.model,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size}, fingerprint={self.fingerprint[:8]!r})"

    @classmethod
    @abstractmethod
    def from_model(cls, model: bytes) -> "Tokenizer":
        """Load a tokenizer from the bytes of its file.

        Raises:
            ArtifactError: the bytes are no tokenizer of this type that corpuskit trained.
        """

    @abstractmethod
    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        """Encode texts without nulls into (ids integer[n_tokens], offsets int64[n + 1])."""

    @property
    def vocab_size(self) -> int:
        """Number of ids, reserved ones included; at most what the recipe asked for."""
        return len(self._table)

    @property
    def dtype(self) -> "np.dtype[Any]":
        """uint16 up to 65,536 ids, else uint32."""
        return token_dtype(self.vocab_size)

    @functools.cached_property
    def fingerprint(self) -> str:
        """The sha256 of the file that decides the ids, 64 hex digits."""
        return hashlib.sha256(self.model).hexdigest()

    def encode(self, texts: pa.Array | pa.ChunkedArray) -> pa.LargeListArray:
        """Encode a column of texts.

        Args:
            texts: string or large_string[n]; nulls count as empty.

        Returns:
            large_list<uint16|uint32>[n], without nulls and without reserved ids.
        """
        texts = texts.cast(pa.large_string())  # first: chunks of over 2 GiB together do not fit into one string array
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        if texts.null_count:
            texts = texts.fill_null("")
        ids, offsets = self._encode(texts)
        return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(ids.astype(self.dtype, copy=False)))

    def decode_bytes(self, lists: pa.LargeListArray | pa.ListArray) -> pa.LargeBinaryArray:
        """Return the text bytes of token lists, large_binary[n]; reserved ids give nothing.

        Raises:
            IndexError: an id lies outside the vocabulary.
        """
        # The bytes of consecutive tokens lie one after the other, so the texts are there already.
        text = self._table.take(lists.flatten())
        _, ends, data = text.buffers()
        offsets = lists.offsets.to_numpy()
        bounds = np.frombuffer(ends, np.int64)[offsets - offsets[0]] if len(text) else np.zeros(len(offsets), np.int64)
        buffers = [None, pa.py_buffer(bounds), data]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(lists), buffers)

    def decode(self, lists: pa.LargeListArray | pa.ListArray) -> pa.LargeStringArray:
        """Return the texts of token lists, large_string[n].

        A list that is cut inside a character decodes with U+FFFD in its place.

        Raises:
            IndexError: an id lies outside the vocabulary.
        """
        data = self.decode_bytes(lists)
        try:
            return data.cast(pa.large_string())
        except pa.ArrowInvalid:
            return pa.array([text.decode("utf-8", "replace") for text in data.to_pylist()], pa.large_string())

    def spans(self, lists: pa.LargeListArray) -> tuple[pa.LargeListArray, pa.LargeListArray]:
        """Return where each token's text lies in its document: the first byte, and the byte behind the last.

        Args:
            lists: what `encode` gave.

        Returns:
            Two large_list<int64>[n] as long as `lists`, for labels of tokens.

        Raises:
            InputError: the tokenizer loses text, so its tokens are not pieces of it.
        """
        if not self.lossless:
            raise InputError(f"{self} loses text, so what its tokens stand for cannot be told from their bytes")
        from corpuskit.tokenization.encoding import lossless_spans

        offsets = lists.offsets.to_numpy() - lists.offsets[0].as_py()
        starts, ends = lossless_spans(lists.flatten().to_numpy(), offsets, self.token_bytes())
        return tuple(pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(one)) for one in (starts, ends))

    def sample(self, texts: pa.Array, *, strength: float, seed: int, first: int = 0) -> pa.LargeListArray:
        """Encode texts into random segmentations, for training on several of them.

        Args:
            texts: string or large_string[n] without nulls.
            strength: BPE: the probability with which a merge is left out (Provilkov et al. 2020; 0.1). Unigram: how
                much likelier the best segmentations are, alpha (Kudo 2018; 0.1 to 0.5).
            seed: another one gives other segmentations.
            first: number of the first document: a document's segmentation depends on its number, not on its batch.

        Returns:
            large_list<uint16|uint32>[n].

        Raises:
            InputError: this type of tokenizer has one segmentation only.
        """
        ids, offsets = self._sample(texts.cast(pa.large_string()), strength, seed, first)
        return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(ids.astype(self.dtype, copy=False)))

    def _sample(
        self, texts: pa.LargeStringArray, strength: float, seed: int, first: int
    ) -> tuple[np.ndarray, np.ndarray]:
        raise InputError(f"{self} has one segmentation of a text; byte-level BPE and Unigram have random ones")

    def tokens(self) -> list[bytes]:
        """Return the text bytes of each id, empty for reserved ids; a token may hold a part of a character."""
        return self._table.to_pylist()

    def token_bytes(self) -> np.ndarray:
        """Return int32[vocab_size]: how many bytes of text each id stands for, 0 for reserved ids.

        Over an encoded document they add up to its UTF-8 length, which is what bits per byte divides by.
        """
        return np.diff(np.frombuffer(self._table.buffers()[1], np.int64)[: self.vocab_size + 1]).astype(np.int32)

    def save(self, folder: str, training: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """Commit the tokenizer's files to a folder; return their names.

        `transformers.AutoTokenizer` loads a folder with a `tokenizer.json`.

        Args:
            folder: where they go.
            training: what is known of its training, for `training.json`.
        """
        config = {
            "format_version": FORMAT_VERSION,
            "type": self.type,
            "file": self.file,
            "vocab_size": self.vocab_size,
            "lossless": self.lossless,
            "fingerprint": self.fingerprint,
            **(_RESERVED_CONFIG if self.reserved else {}),
        }
        storage.commit(storage.join(folder, self.file), self.model)
        storage.commit(storage.join(folder, CONFIG_FILE), orjson.dumps(config, option=orjson.OPT_INDENT_2))
        if training is None:
            return self.file, CONFIG_FILE
        storage.commit(storage.join(folder, TRAINING_FILE), orjson.dumps(training, option=orjson.OPT_INDENT_2))
        return self.file, CONFIG_FILE, TRAINING_FILE
