"""BPE through gigatoken: the ids of `tokenizers` at 50 times its speed."""

from typing import Any

import numpy as np
import orjson
import pyarrow as pa

CACHED_TEXT = 64 << 20
"""Bytes of text after which gigatoken is loaded anew: its cache of words is never trimmed (Chinese text adds 4 bytes a
byte, 64 MiB of it 240 MB), and loading takes 20 ms."""


class FastBpe:
    """A BPE `tokenizer.json` in gigatoken."""

    def __init__(self, model: bytes) -> None:
        """Load it.

        Raises:
            ImportError: gigatoken is not installed.
            ValueError, RuntimeError: it does not take the file.
        """
        self._model = model
        self._load()

    @classmethod
    def of_json(cls, model: bytes) -> "FastBpe | None":
        """Return a `tokenizer.json` in gigatoken without its special tokens, which it would find in texts.

        None where gigatoken is not installed or does not take the file.
        """
        fields = orjson.loads(model)
        added = fields.get("added_tokens") or []
        plain = [token for token in added if not token["special"]]
        try:
            return cls(orjson.dumps({**fields, "added_tokens": plain}) if len(plain) < len(added) else model)
        except (ImportError, ValueError, RuntimeError):
            return None

    def _load(self) -> None:
        import gigatoken

        self._tokenizer = gigatoken.Tokenizer.from_json(self._model)
        self._seen = 0

    def encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        """Encode texts without nulls into (ids uint32[n_tokens], offsets int64[n + 1])."""
        if not len(texts):
            return np.empty(0, np.uint32), np.zeros(1, np.int64)
        if self._seen >= CACHED_TEXT:
            self._load()
        bounds = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
        self._seen += int(bounds[-1] - bounds[0])
        # One thread: the worker processes of a step are the parallelism.
        layout = self._tokenizer.encode_batch(_awkward(bounds, texts.buffers()[2]), parallel=False).layout
        return layout.content.data, layout.offsets.data


def _awkward(bounds: np.ndarray, data: pa.Buffer | None) -> Any:
    """View texts as the awkward array of strings that gigatoken borrows; nothing is copied."""
    from awkward.contents import ListOffsetArray, NumpyArray
    from awkward.highlevel import Array
    from awkward.index import Index64

    characters = NumpyArray(np.frombuffer(data or b"", np.uint8), parameters={"__array__": "char"})
    return Array(ListOffsetArray(Index64(bounds), characters, parameters={"__array__": "string"}))
