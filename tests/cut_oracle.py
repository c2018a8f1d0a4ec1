"""What `cut` steps must do, said slowly in plain Python; and corpora for them, without the rest of the flow."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from test_kernels_words import unicode_words

from corpuskit import manifest, storage
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.inside import AnyCut, TextReference, size_of
from corpuskit.documents import parts, read_documents, sidecars
from corpuskit.documents.schema import SCHEMA, make_key
from corpuskit.kernels import Texts, hash_spans
from corpuskit.kernels.sentence_spans import scan_sentences
from corpuskit.manifest import Identity, Manifest, Target

Span = tuple[int, int]


@dataclass(frozen=True)
class Document:
    """A document, and what its variant says of it."""

    id: str
    text: str
    kept: bool = True
    heldout: bool = False

    @property
    def key(self) -> bytes:
        return make_key("made", self.id)

    @property
    def order(self) -> tuple[bytes, int]:
        """Copies are ordered by the key, documents of one key by their text."""
        return self.key, hash_of(self.text) >> 44


def hash_of(text: str) -> int:
    data = text.encode()
    return int(hash_spans(np.frombuffer(data, np.uint8), np.array([0]), np.array([len(data)]))[0])


# the rules


def normalized(text: str) -> str:
    """The form in which lines are compared."""
    found = ""
    for character in text:
        category = unicodedata.category(character)
        if character.isspace():
            found += " "
        elif category[0] != "P" and category not in ("Cc", "Cf"):
            found += "0" if category == "Nd" else character.lower()[0]
    return " ".join(found.split())


def characters(text: str) -> int:
    return sum(
        unicodedata.category(character)[0] == "L" or unicodedata.category(character) == "Nd" for character in text
    )


def units(text: str, config: AnyCut) -> list[Span]:
    """The units of a text, as indices of characters."""
    if config.step == "repeated_lines":
        return lines(text)
    if config.step == "repeated_paragraphs":
        return paragraphs(text)
    if config.step == "repeated_spans":
        return sentences(text)
    found, position = [], 0
    for word in unicode_words(text):
        start = text.index(word, position)
        position = start + len(word)
        found.append((start, position))
    return found


def lines(text: str) -> list[Span]:
    found, start = [], 0
    for line in text.split("\n"):
        found.append((start, start + len(line)))
        start += len(line) + 1
    return found


def paragraphs(text: str) -> list[Span]:
    found: list[Span] = []
    inside = False
    for start, end in lines(text):
        if text[start:end].strip():
            found = [*found[:-1], (found[-1][0], end)] if inside else [*found, (start, end)]
        inside = bool(text[start:end].strip())
    return found


def sentences(text: str) -> list[Span]:
    """The kernel's own, which has tests of its own."""
    data = text.encode()
    found = scan_sentences(Texts.from_arrow(pa.array([text], pa.large_string())))
    return [
        (len(data[:start].decode()), len(data[:end].decode()))
        for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    ]


References = Mapping[str, Sequence[Document]]


def cut(documents: Sequence[Document], config: AnyCut, references: References = MappingProxyType({})) -> list[str]:
    """The texts that a step leaves.

    Args:
        documents: all of a corpus.
        config: the step.
        references: the documents of other corpora, by name.
    """
    taking_part = [document for document in documents if document.kept and not document.heldout]
    others = {**references, HELDOUT: [document for document in documents if document.heldout]}
    asked = [document for name in config.against for document in others[name]]
    occurrences = defaultdict(list)
    found = {id(document): units(document.text, config) for document in [*taking_part, *asked]}
    size = size_of(config)
    for document in [*sorted(asked, key=lambda one: one.order), *sorted(taking_part, key=lambda one: one.order)]:
        spans = found[id(document)]
        for position in range(len(spans) - size + 1):
            value = window(document.text, spans[position : position + size], config)
            if value is not None:
                occurrences[value].append((document, position))
    copies = {id(document): [] for document in [*taking_part, *asked]}
    for places in occurrences.values():
        first, start = places[0]
        for document, position in going(places, any(first is one for one in asked), config):
            behind = position - start if document is first and getattr(config, "over", None) is None else size
            copies[id(document)].append((position, max(0, size - behind), (id(first), position - start)))
    own = {id(document) for document in taking_part}
    return [
        without(one.text, found.get(id(one), []), sorted(copies[id(one)] if id(one) in own else []), config)
        for one in documents
    ]


def going(places: list[tuple[Document, int]], referenced: bool, config: AnyCut) -> list[tuple[Document, int]]:
    """The occurrences of a window that go: (document, position)."""
    if referenced:
        return places
    over = getattr(config, "over", None)
    if not config.own or (over is not None and len(places) <= over):
        return []
    return places[1:] if over is None else places


def window(text: str, spans: Sequence[Span], config: AnyCut) -> object:
    """What equal windows have in common; None for one that is not looked at."""
    if config.step == "repeated_substrings":
        return text[spans[0][0] : spans[-1][1]]
    parts = [text[start:end] for start, end in spans]
    if sum(map(len, map(unicode_words, parts))) < config.min_words:
        return None
    if config.step != "repeated_spans" and characters(parts[0]) < config.min_characters:
        return None
    return tuple(map(normalized, parts)) if config.normalize else tuple(parts)


def without(text: str, spans: list[Span], copies: list[tuple[int, int, object]], config: AnyCut) -> str:
    """A text without copies of windows: (first unit, units that belong to what it repeats, what it repeats)."""
    size = size_of(config)
    if config.step == "repeated_substrings":
        ranges = []
        for number, (position, skipped, run) in enumerate(copies):
            goes_on = number and copies[number - 1] == (position - 1, skipped, run)
            start = ranges.pop()[0] if goes_on else spans[position + skipped][0]
            ranges.append((start, spans[position + size - 1][1]))
    else:
        goes = {unit for position, skipped, _ in copies for unit in range(position + skipped, position + size)}
        ranges = [block(text, spans, first, last) for first, last in blocks(sorted(goes))]
    lost = {index for start, end in ranges for index in range(start, end)}
    left = "".join(character for index, character in enumerate(text) if index not in lost)
    return "" if lost and not unicode_words(left) else left


def blocks(numbers: list[int]) -> list[Span]:
    """Numbers as blocks (first, last) of neighbours."""
    found: list[Span] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def block(text: str, spans: list[Span], first: int, last: int) -> Span:
    """The bytes that go with some units in a row: what parts them from the next ones, or from those before."""
    start, end = spans[first][0], spans[last][1]
    before = text[spans[first - 1][1] : start] if first else ""
    if last + 1 == len(spans):
        return start - len(before), end
    after = text[end : spans[last + 1][0]]
    if first and after.count("\n") > before.count("\n"):
        return start - len(before), end
    return start, end + len(after)


# corpora


@dataclass(frozen=True)
class Made:
    """Documents and a variant of them, as artifacts."""

    documents: Target
    variant: Target


def write(folder: Path, splits: Sequence[Sequence[Document]], rows: int = 2) -> Made:
    """Write documents, one split after the other in batches of so many rows, and a variant that keeps what says so."""
    targets = [
        Target.place(kind, name, str(folder), Identity(step=kind, revision=1, config={}, inputs={}))
        for kind, name in (("documents", "documents"), ("variant", "made"))
    ]
    entries = [_write_split(targets, f"part-{number:07d}", split, rows) for number, split in enumerate(splits)]
    size = sum(len(one.text.encode()) for split in splits for one in split if one.kept)
    for target in targets:
        manifest.write(
            target.folder,
            Manifest(
                kind=target.kind,
                name=target.name,
                fingerprint=target.fingerprint,
                identity=target.identity.plain(),
                rows=sum(map(len, splits)),
                counts={"kept_bytes": size},
                parts=entries,
            ),
        )
    return Made(*targets)


def reference(folder: Path, name: str, splits: Sequence[Sequence[Document]]) -> TextReference:
    """Write another corpus."""
    made = write(folder / name, splits).documents
    return TextReference(name, made.folder, name, manifest.read(made.folder).parts)


def _write_split(targets: Sequence[Target], name: str, split: Sequence[Document], rows: int) -> dict[str, object]:
    fields = ("key", "id", "text", "heldout")
    columns = {field: [getattr(one, field) for one in split] for field in fields}
    columns |= {"source": ["made"] * len(split)}
    columns |= {field: [None] * len(split) for field in ("url", "timestamp", "metadata")}
    batch = pa.RecordBatch.from_pydict(columns, SCHEMA)
    totals = parts.PartTotals()
    batches = [batch.slice(start, rows) for start in range(0, len(batch), rows)]
    with patch.object(parts, "GROUP_BYTES", 1):
        parts.write_parquet(storage.join(targets[0].folder, f"{name}.parquet"), totals.watch(batches))
    kept = pa.RecordBatch.from_pydict({"kept": [one.kept for one in split]}, pa.schema([("kept", pa.bool_())]))
    sidecars.write(targets[1].folder, name, kept)
    return totals.entry(name)


def texts_of(folder: str) -> list[str]:
    """The texts of documents or of a revision, in order."""
    return [text for batch in read_documents(folder, ["text"]) for text in batch.column(0).to_pylist()]


def by_id(documents: Sequence[Document], texts: Sequence[str]) -> Counter[tuple[str, str, str]]:
    """What became of each text: to compare runs whose documents lie in another order."""
    return Counter((one.id, one.text, text) for one, text in zip(documents, texts, strict=True))


def renamed(documents: Sequence[Document]) -> list[Document]:
    """The documents with ids of their own."""
    return [replace(one, id=f"{number}") for number, one in enumerate(documents)]
