"""Texts and models for the tests of encoders."""

import io
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.tokenization.formats.sentencepiece_proto import BYTE, CONTROL, NORMAL, UNIGRAM, UNKNOWN, model_class

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent"), "text")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA is not set")

HOSTILE = [
    "",
    " ",
    "a",
    "  two  ",
    "\0",
    "a\0b",
    "\t\r\n\n\n",
    "\u2581",
    "a\u2581b \u2581\u2581 c\u2581",
    "\u0301\u0327 e\u0301\u0302 marks",
    "👩\u200d👩\u200d👧 🇫🇮 𝔘𝔫𝔦 \U0010ffff",
    "\u2028\u2029\x85\u00a0\u3000\ufeff",
    "\x1b[0m\x7f\x01",
    "don't DON'T we’ll",
    "我家门前有一条小河，河水清清。",
    "日本語のテキスト한국어ไทย",
    "x" * 300,
    "é" * 100,
    "abababab" * 40,
]
LETTERS = "ab é我河 \n"
"""Few letters, so that random pieces match: of one, two and three bytes, and a space."""
few_letters = st.text(LETTERS + "q\u2581😀", max_size=40)
any_text = st.lists(st.text(max_size=12) | st.sampled_from(HOSTILE), max_size=5).map("".join)


def batch(texts: Sequence[str]) -> Texts:
    return Texts.from_arrow(pa.array(texts, pa.large_string()))


def lists(ids: np.ndarray, offsets: np.ndarray) -> list[list[int]]:
    """The ids of each document, checked for their types."""
    assert ids.dtype in (np.uint16, np.uint32)
    assert offsets.dtype == np.int64
    assert offsets[0] == 0
    assert offsets[-1] == len(ids)
    return [part.tolist() for part in np.split(ids, offsets[1:-1])] if len(offsets) > 1 else []


@cache
def real(name: str, size: int) -> list[str]:
    """Documents of a real set, about `size` characters of them."""
    texts: list[str] = []
    with open(DATA / name / f"{name}.jsonl.zst", "rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file)
        for line in io.TextIOWrapper(reader, encoding="utf-8"):
            texts.append(json.loads(line)["text"])
            size -= len(texts[-1])
            if size <= 0:
                break
    return texts


def sentencepiece_model(pieces: Sequence[str], scores: Sequence[float], byte_fallback: bool = True) -> Any:
    """A SentencePiece processor: unknown, beginning, end, 256 bytes if asked for, then the pieces, `▁` for a space."""
    import sentencepiece

    model = model_class()()
    model.pieces.add(piece="<unk>", score=0, type=UNKNOWN)
    for name in ("<s>", "</s>"):
        model.pieces.add(piece=name, score=0, type=CONTROL)
    for byte in range(256 if byte_fallback else 0):
        model.pieces.add(piece=f"<0x{byte:02X}>", score=0, type=BYTE)
    for piece, score in zip(pieces, scores, strict=True):
        model.pieces.add(piece=piece.replace(" ", "\u2581"), score=score, type=NORMAL)
    spec = model.trainer_spec
    spec.model_type, spec.byte_fallback, spec.vocab_size = UNIGRAM, byte_fallback, len(model.pieces)
    spec.unk_piece, spec.bos_piece, spec.eos_piece = "<unk>", "<s>", "</s>"
    normalizer = model.normalizer_spec
    normalizer.name, normalizer.escape_whitespaces = "identity", True
    normalizer.add_dummy_prefix = normalizer.remove_extra_whitespaces = False
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
