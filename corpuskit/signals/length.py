"""How long a text is: its bytes alone, which every selection reads, and five units."""

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, characters
from corpuskit.signals.group import Signal, SignalGroup

BYTES = "size.bytes"
"""The signal that sums of bytes and the choice of the longest copy read."""


def sizes(texts: Texts) -> dict[str, np.ndarray]:
    """Return int64[n] of each text's bytes, without a look at them."""
    return {"bytes": texts.lengths()}


def measure(texts: Texts) -> dict[str, np.ndarray]:
    """Return int64[n] of each signal of the group."""
    return {
        "bytes": texts.lengths(),
        "characters": characters(texts),
        "words": texts.words("unicode").counts(),
        "whitespace_words": texts.words("whitespace").counts(),
        "lines": texts.lines().counts(),
    }


SIZE = SignalGroup(
    name="size",
    revision=1,
    source="corpuskit",
    signals={"bytes": Signal(pa.int64(), "0 or more", "bytes of UTF-8; measured on every corpus")},
    measure=sizes,
)
LENGTH = SignalGroup(
    name="length",
    revision=1,
    source="corpuskit",
    signals={
        "bytes": Signal(pa.int64(), "0 or more", "bytes of UTF-8"),
        "characters": Signal(pa.int64(), "0 or more", "Unicode code points"),
        "words": Signal(
            pa.int64(), "0 or more", "`unicode` words: runs of letters, marks and digits; each ideograph is one"
        ),
        "whitespace_words": Signal(pa.int64(), "0 or more", "words of `str.split()`"),
        "lines": Signal(
            pa.int64(), "1 or more", 'lines of `text.split("\\n")`: line feeds + 1, also where the text is empty'
        ),
    },
    measure=measure,
)
