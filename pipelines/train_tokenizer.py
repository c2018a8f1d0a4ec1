"""A variant's training text to a tokenizer: one item, on a sample chosen by key."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import manifest, storage, tokenization
from corpuskit.documents import read_split, revisions, sidecars
from corpuskit.documents.schema import key_matrix
from corpuskit.kernels import hash_spans
from corpuskit.manifest import Identity, Manifest, Marker, Target
from corpuskit.signals import BYTES
from corpuskit.tokenization import TokenizerConfig
from pipelines.engine import Attempt, Item, Phase, Step

REVISION = 1
LIBRARIES = {"bpe": ["tokenizers"], "wordpiece": ["tokenizers"], "unigram": ["sentencepiece"]}
BATCH_ROWS = 1000


def target(name: str, config: TokenizerConfig, documents: Target, variant: Target, out: str) -> Target:
    """Return where a tokenizer trained on a variant's training rows goes."""
    inputs = {"documents": documents.fingerprint, "variant": variant.fingerprint}
    identity = Identity(
        step="train_tokenizer",
        revision=REVISION,
        config={name: value for name, value in config.plain().items() if name != "train_on"},
        inputs=inputs,
        libraries=manifest.library_versions(LIBRARIES[config.type]),
    )
    return Target.place("tokenizer", name, storage.join(out, "tokenizers"), identity)


def step(
    place: Target, config: TokenizerConfig, documents: str, variant: str, lengths: str, cuts: Sequence[str] = ()
) -> Step:
    """Plan the training of one tokenizer.

    Args:
        place: where it goes.
        config: its type and size.
        documents: folder of the documents, or of a revision of them.
        variant: folder of the variant; its documents that are not held out are trained on.
        lengths: folder of the `size` signals.
        cuts: folders of the revisions that cut the text since those were measured.
    """
    work = partial(run, config=config, documents=documents, variant=variant, lengths=lengths, cuts=tuple(cuts))
    phases = (Phase(name="train", items=(Item(name="train"),), work=work),)
    return Step(**vars(place), phases=phases, finish=_finish)


def run(
    attempt: Attempt, *, config: TokenizerConfig, documents: str, variant: str, lengths: str, cuts: Sequence[str] = ()
) -> Marker:
    """Train and commit the tokenizer's files."""
    sample = Sample(documents, variant, lengths, config, cuts)
    tokenizer = tokenization.train(config, sample.batches())
    names = tokenizer.save(attempt.folder)
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=sample.rows,
        counts={"text_bytes": sample.text_bytes, "vocab_size": tokenizer.vocab_size},
        files={name: manifest.file_entry(storage.join(attempt.folder, name)) for name in names},
    )


class Sample:
    """Training documents in the order of a hash of their keys: the same for any split size and file order."""

    def __init__(
        self, documents: str, variant: str, lengths: str, config: TokenizerConfig, cuts: Sequence[str] = ()
    ) -> None:
        self.documents, self.variant, self.lengths, self.cuts = documents, variant, lengths, cuts
        self.parts = manifest.read(documents, "documents").parts
        self._choose(config.max_train_bytes, config.seed)

    def _choose(self, max_bytes: int, seed: int) -> None:
        """Take training rows in the order of a hash of their keys until their text fills `max_bytes`."""
        tables = [self._candidates(part) for part in self.parts]
        keys = np.concatenate([table[0] for table in tables])
        order = np.lexsort((*keys.view(np.uint64).T, _shuffled(keys, seed)))
        sizes = np.concatenate([table[1] for table in tables])[order]
        filled = np.cumsum(sizes)
        count = min(int(np.searchsorted(filled, max_bytes)) + 1, len(order))
        self.rows, self.text_bytes = count, min(int(filled[count - 1]), max_bytes) if count else 0
        self._rank = np.full(len(order), -1, np.int64)
        self._rank[order[:count]] = np.arange(count)
        self._rows = [table[2] for table in tables]

    def _candidates(self, part: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (keys uint8[m, 16], bytes int64[m], row numbers int64[m]) of a split's training rows."""
        table = pa.Table.from_batches(list(read_split(self.documents, part["name"], columns=["key", "heldout"])))
        training = ~table.column("heldout").to_numpy()
        training &= sidecars.read(self.variant, part, ["kept"]).column(0).to_numpy()
        sizes = sidecars.read(self.lengths, part, [BYTES]).column(0).fill_null(0).to_numpy()
        lost = sum((revisions.bytes_cut(folder, part) for folder in self.cuts), np.zeros(part["rows"], np.int64))
        rows = np.flatnonzero(training)
        return key_matrix(table.column("key"))[rows], sizes[rows].astype(np.int64) - lost[rows], rows

    def batches(self) -> Iterator[pa.Array]:
        """Yield the chosen texts in that order."""
        texts, ranks, first = [], [], 0
        for part, rows in zip(self.parts, self._rows, strict=True):
            rank = self._rank[first : first + len(rows)]
            first += len(rows)
            if not (rank >= 0).any():
                continue
            chosen = np.full(part["rows"], -1, np.int64)
            chosen[rows] = rank
            for batch in read_split(self.documents, part["name"], columns=["text"]):
                mask, chosen = chosen[: len(batch)] >= 0, chosen[len(batch) :]
                texts.append(batch.column("text").filter(pa.array(mask)))
            ranks.append(rank[rank >= 0])
        if not texts:
            return
        ordered = pa.chunked_array(texts).take(pa.array(np.argsort(np.concatenate(ranks))))
        for start in range(0, len(ordered), BATCH_ROWS):
            yield ordered.slice(start, BATCH_ROWS).combine_chunks()


def _shuffled(keys: np.ndarray, seed: int) -> np.ndarray:
    """Return a seeded hash of each key; uint64[m]."""
    starts = np.arange(len(keys), dtype=np.int64) * 16
    return hash_spans(keys.reshape(-1), starts, starts + 16, seed=seed)


def _finish(step: Step, markers: Mapping[str, list[Marker]]) -> Manifest:
    return step.manifest(markers["train"], extra={"vocab_size": int(markers["train"][0].counts["vocab_size"])})
