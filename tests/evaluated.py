"""Tokenizers whose cuts are known, for tests of what is measured of them."""

from collections.abc import Sequence

import numpy as np
import orjson
import pyarrow as pa

from corpuskit.tokenization import RESERVED, Tokenizer


class ToyTokenizer(Tokenizer):
    """The longest of the given tokens at each place, else the byte; ids follow the reserved ones, tokens first."""

    type = "bpe"
    file = "toy.json"

    def __init__(self, model: bytes) -> None:
        fields = orjson.loads(model)
        self.own = [bytes.fromhex(token) for token in fields["tokens"]]
        self.lower, self.dummy = fields["lower"], fields["dummy"]
        self.lossless = not self.lower and not self.dummy
        super().__init__(model, [b""] * RESERVED + self.own + [bytes([byte]) for byte in range(256)])

    @classmethod
    def from_model(cls, model: bytes) -> "ToyTokenizer":
        return cls(model)

    def cut(self, text: str) -> list[int]:
        """The ids of one text."""
        given = " " * self.dummy + (text.lower() if self.lower else text)
        data, place, ids = given.encode(), 0, []
        while place < len(data):
            fitting = [token for token in self.own if token and data.startswith(token, place)]
            token = max(fitting, key=len, default=None)
            ids.append(RESERVED + (self.own.index(token) if token else len(self.own) + data[place]))
            place += len(token) if token else 1
        return ids

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        rows = [self.cut(text) for text in texts.to_pylist()]
        flat = np.array([index for row in rows for index in row], np.uint32)
        return flat, np.cumsum([0, *map(len, rows)])

    def decode(self, lists: pa.LargeListArray) -> pa.LargeStringArray:
        texts = super().decode(lists)
        return pa.array([text[1:] for text in texts.to_pylist()], pa.large_string()) if self.dummy else texts


def toy(tokens: Sequence[str | bytes] = (), lower: bool = False, dummy: bool = False) -> ToyTokenizer:
    """A toy of these tokens; `lower` loses case, `dummy` puts a space before each text and takes it off again."""
    plain = [token.encode() if isinstance(token, str) else token for token in tokens]
    return ToyTokenizer(orjson.dumps({"tokens": [token.hex() for token in plain], "lower": lower, "dummy": dummy}))


def column(texts: Sequence[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())
