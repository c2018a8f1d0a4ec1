"""Which package, site or source does this text come from."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

import orjson
import pyarrow as pa
from pydantic import Field

from corpuskit.config import Config
from corpuskit.errors import InputError
from corpuskit.tasks.task import Classification, Example, classification, rank, same_text

PLACEHOLDER = "<name>"
"""What stands where a text named one of the labels."""
WHOLE_WORD_BELOW = 5
"""ASCII names shorter than this are masked as whole words only: `re` must not cut `return` to pieces."""


class TopicConfig(Config):
    """Texts of a corpus's held-out documents, labelled by a field of their metadata.

    Leakage is closed at three places. Only held-out documents are used. The names of *all* chosen labels (in any case,
    their parts joined by any `-`, `_`, `.` and white space) are masked in *every* text, so that neither a name nor the
    place of a placeholder gives the label away; other names of a label, such as `np`, stay unless `mask` lists them.
    A text that occurs more than once is used once, and not at all where it occurs under two labels.

    A long document gives several excerpts, all on the same side of the split. They are not independent, so intervals
    take a document for one test item, however many excerpts it gives: more documents make them narrower than more
    excerpts do.
    """

    kind: Literal["topic"] = "topic"
    """Topic classification of held-out documents."""
    field: str = "package"
    """The metadata field that holds the label."""
    labels: int = Field(8, ge=2)
    """Number of labels: the most frequent values of the field."""
    texts_per_label: int = Field(125, ge=2)
    """Texts of each label at most, train and test together: keeps frequent labels from ruling."""
    excerpts: int = Field(4, ge=1)
    """Texts from one document at most: consecutive, without overlap."""
    min_documents: int = Field(10, ge=2)
    """A label with fewer usable documents is left out."""
    test_share: float = Field(0.4, gt=0, lt=1)
    """Share of each label's documents to test on."""
    min_characters: int = Field(80, ge=1)
    """Shorter texts are left out."""
    max_characters: int = Field(200, ge=1)
    """Length of an excerpt, counted after masking; `downstream.max_characters` of it are read."""
    mask: tuple[str, ...] = ()
    """Further names to mask, such as the import name of a package."""
    seed: int = 0
    """Decides which documents are used and on which side they are."""


class Candidate(NamedTuple):
    """One usable text. Sorted, the first excerpts of all documents come first, documents by rank."""

    part: int
    """Number of the excerpt in its document."""
    rank: int
    """The document's rank: decides whether it is used, and on which side."""
    label: str
    text: str


def load(config: TopicConfig, name: str, heldout: pa.Table) -> Classification:
    """Build the task from held-out documents.

    Args:
        config: the declaration.
        name: the task's name.
        heldout: held-out documents; columns `key` binary(16), `text` large_string, `metadata` string (JSON, nullable).

    Raises:
        InputError: the metadata field does not exist, or fewer than two of its values have `min_documents` documents.
    """
    values = _labels(heldout["metadata"], config.field)
    frequent = _most_frequent(values, config.labels)
    kept, dropped = _distinct(_candidates(config, heldout, values, frequent))
    groups = _by_label(config, name, kept)
    labels = sorted(groups)
    sides = zip(*(_split(config, group) for group in groups.values()), strict=True)
    train, test = (sorted(chain(*side)) for side in sides)
    counts = {**dropped, "unlabelled": sum(value is None for value in values)}
    documents = [item.rank for item in test]
    return classification(name, labels, _examples(train, labels), _examples(test, labels), counts, documents)


def _examples(items: Iterable[Candidate], labels: Sequence[str]) -> list[Example]:
    return [Example(item.text, labels.index(item.label)) for item in items]


def _labels(metadata: pa.ChunkedArray, field: str) -> list[str | None]:
    """Return each row's label; None where the metadata holds no text or number under the field."""
    seen: Counter[str] = Counter()
    labels = []
    for value in metadata.to_pylist():
        record = _parsed(value)
        seen.update(record.keys())
        label = record.get(field)
        labels.append(str(label) if isinstance(label, str | int) and label != "" else None)
    if not any(label is not None for label in labels):
        fields = ", ".join(f"{name} ({count})" for name, count in seen.most_common(8)) or "none"
        raise InputError(f"none of {len(labels)} held-out documents has the metadata field {field!r}; fields: {fields}")
    return labels


def _parsed(metadata: str | None) -> dict[str, Any]:
    try:
        record = orjson.loads(metadata or "{}")
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _most_frequent(values: Sequence[str | None], number: int) -> set[str]:
    counts = Counter(value for value in values if value is not None)
    return set(sorted(counts, key=lambda value: (-counts[value], value))[:number])


def _candidates(
    config: TopicConfig, heldout: pa.Table, values: Sequence[str | None], labels: set[str]
) -> list[Candidate]:
    """Return the documents of the chosen labels, masked and cut, that are long enough."""
    rows = [index for index, value in enumerate(values) if value in labels]
    names = mask_pattern([*labels, *config.mask])
    chosen = heldout.select(["key", "text"]).take(pa.array(rows, pa.int64()))
    candidates = []
    for row, key, text in zip(rows, chosen["key"].to_pylist(), chosen["text"].to_pylist(), strict=True):
        excerpts = _excerpts(names.sub(PLACEHOLDER, text).strip(), config)
        position = rank(key, config.seed, "topic")
        candidates += [Candidate(part, position, str(values[row]), excerpt) for part, excerpt in enumerate(excerpts)]
    return sorted(candidates)


def _excerpts(text: str, config: TopicConfig) -> list[str]:
    """Return the first excerpts of a text; a rest that is too short gives none."""
    starts = range(0, min(len(text), config.excerpts * config.max_characters), config.max_characters)
    cuts = (text[start : start + config.max_characters] for start in starts)
    return [cut for cut in cuts if len(cut) >= config.min_characters]


def mask_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern that finds label names in a text, longest first, whatever joins their parts."""
    patterns = [_name_pattern(name) for name in sorted({*names}, key=lambda name: (-len(name), name)) if name.strip()]
    return re.compile("|".join(patterns), re.IGNORECASE)


def _name_pattern(name: str) -> str:
    parts = re.findall(r"[^-_.\s]+", name) or [name]
    pattern = r"[-_.\s]*".join(map(re.escape, parts))
    if sum(map(len, parts)) < WHOLE_WORD_BELOW and name.isascii():
        return rf"(?<![^\W_]){pattern}(?![^\W_])"
    return pattern


def _distinct(candidates: Iterable[Candidate]) -> tuple[list[Candidate], dict[str, int]]:
    """Keep the first of equal texts, and none of those that occur under two labels; count what goes."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[same_text(candidate.text)].append(candidate)
    kept = [group[0] for group in groups.values() if len({item.label for item in group}) == 1]
    ambiguous = sum(len(group) for group in groups.values() if len({item.label for item in group}) > 1)
    total = sum(map(len, groups.values()))
    return sorted(kept), {"two_labels": ambiguous, "repeated": total - ambiguous - len(kept)}


def _by_label(config: TopicConfig, name: str, candidates: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    """Return the texts of every label that has enough documents."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.label].append(candidate)
    documents = {label: len({item.rank for item in group}) for label, group in groups.items()}
    enough = {label: group for label, group in groups.items() if documents[label] >= config.min_documents}
    if len(enough) < 2:
        found = ", ".join(f"{label} {documents[label]}" for label in sorted(documents)) or "none"
        raise InputError(
            f"task {name}: {config.min_documents} usable held-out documents are needed for each of two values of "
            f"{config.field!r} at least; found: {found}. Hold out a larger share, or lower `min_documents`"
        )
    return enough


def _split(config: TopicConfig, group: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """Return one label's (train, test): the documents of lowest rank are tested on; each side up to its share."""
    documents = sorted({item.rank for item in group})
    number = min(max(1, round(len(documents) * config.test_share)), len(documents) - 1)
    tested = set(documents[:number])
    test = max(1, round(config.texts_per_label * config.test_share))
    train = max(1, config.texts_per_label - test)
    return (
        [item for item in group if item.rank not in tested][:train],
        [item for item in group if item.rank in tested][:test],
    )
