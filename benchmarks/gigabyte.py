"""A large corpus with planted near-duplicates, made of the real texts that there are and kept between runs.

The texts come several times. All but the first time their sentences are shuffled within their set and dealt anew to
documents of as many sentences: words and lengths stay real, and no document is like another. Then every tenth document
is a copy of one in the file before, edited in one of the ways of `COPIES`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import zstandard

from benchmarks.data import CACHE, Corpus, corpora
from benchmarks.planted import edited

NAMES = ("imdb_unsup", "eltec_eng", "acl_abstracts", "zh_modern")
PASSAGE = 4000
"""Characters at which longer texts, such as novels, are cut."""
FILE_BYTES = 50_000_000
COPIED = 10
"""One document in so many is a copy."""
SENTENCE = re.compile(r"[^.!?。！？\n]*[.!?。！？\n]+|[^.!?。！？\n]+")


def files(size: int) -> tuple[list[Path], int]:
    """Return JSONL.zst files with about `size` bytes of text in all, made once, and how many bytes it is."""
    folder = CACHE / "-".join(["gigabyte", str(size), *(corpus.name for corpus in corpora(*NAMES))])
    done = folder / "bytes"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        done.write_text(str(_write(folder, size)))
    return sorted(folder.glob("*.jsonl.zst")), int(done.read_text())


def share(paths: list[Path], every: int, folder: Path) -> int:
    """Write every n-th document of files to two files; return the bytes of their texts."""
    folder.mkdir()
    records = (record for one in paths for record in Corpus(one.stem, str(one)).records())
    chosen = [record for record in records if int(record["id"].split("-")[1]) % every == 0]
    for half in range(2):
        data = b"".join(orjson.dumps(record) + b"\n" for record in chosen[half::2])
        (folder / f"{half}.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(data))
    return sum(len(record["text"].encode()) for record in chosen)


def _write(folder: Path, size: int) -> int:
    """Write the files; return the bytes of all texts."""
    rng = np.random.default_rng(1)
    fresh, before, written, number = _endlessly(rng), list[str](), 0, 0
    while written < size:
        before = _batch(fresh, before, min(FILE_BYTES, size - written), rng)
        _write_file(folder / f"{number:04d}.jsonl.zst", before, rng)
        written += sum(len(text.encode()) for text in before)
        number += 1
    return written


def _batch(fresh: Iterator[str], before: list[str], size: int, rng: np.random.Generator) -> list[str]:
    """Return `size` bytes of new texts and of copies of those before."""
    batch: list[str] = []
    while size > 0:
        text = next(fresh)
        if before and len(batch) % COPIED == 0:
            text = _copy(before[int(rng.integers(len(before)))], rng)
        batch.append(text)
        size -= len(text.encode())
    return batch


def _write_file(path: Path, texts: list[str], rng: np.random.Generator) -> None:
    order = rng.permutation(len(texts)).tolist()
    lines = (orjson.dumps({"id": f"{path.name[:4]}-{place}", "text": texts[place]}) for place in order)
    path.write_bytes(zstandard.ZstdCompressor().compress(b"\n".join(lines) + b"\n"))


def _endlessly(rng: np.random.Generator) -> Iterator[str]:
    """Yield all passages as they are, then dealt anew, for ever."""
    sets = [[SENTENCE.findall(passage) for passage in _passages(corpus)] for corpus in corpora(*NAMES)]
    while True:
        for passages in sets:
            yield from ("".join(sentences) for sentences in passages)
        sets = [_dealt(passages, rng) for passages in sets]


def _passages(corpus: Corpus) -> Iterator[str]:
    for record in corpus.records():
        text = record["text"]
        yield from (text[start : start + PASSAGE] for start in range(0, len(text), PASSAGE))


def _dealt(passages: list[list[str]], rng: np.random.Generator) -> list[list[str]]:
    """Shuffle the sentences of all passages and deal them to passages of as many sentences."""
    sentences = [sentence for passage in passages for sentence in passage]
    shuffled = iter([sentences[place] for place in rng.permutation(len(sentences)).tolist()])
    return [[next(shuffled) for _ in passage] for passage in passages]


def _copy(text: str, rng: np.random.Generator) -> str:
    """Edit a text: a run of words, its end, something around it, or nothing but case."""
    kind, part = int(rng.integers(4)), max(len(text) // int(rng.integers(8, 100)), 1)
    if kind == 0:
        return edited(text, max(text.count(" ") * part // len(text), 1), rng)
    if kind == 1:
        return text[:-part]
    if kind == 2:
        return text[:part].swapcase() + text + text[:part]
    return text.upper()
