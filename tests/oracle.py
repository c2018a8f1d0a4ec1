"""The data steps in plain Python: lists of records in memory, no Beam, no files, no batches, no partitions.

Slow and obvious: every pair of documents is compared, every rule is tried on every document. Tests compare what the
pipelines wrote with what comes out here.
"""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from corpora import SOURCES, lines
from oracle_signals import signals_of

from corpuskit.dedup import DedupConfig, shingles, sign
from corpuskit.documents import HeldoutConfig
from corpuskit.kernels import Texts, hash_spans
from corpuskit.policy import PolicyConfig, Rule, RuleGroup, active_rules
from corpuskit.recipe import Recipe

__all__ = ["Document", "Error", "Oracle", "signals_of"]

Failure = tuple[str, Any, float | None]
"""The reason, the value and the threshold."""


@dataclass(frozen=True)
class Document:
    key: bytes
    id: str
    text: str
    url: str | None
    source: str
    timestamp: int | None
    heldout: bool
    metadata: dict[str, Any]

    @property
    def size(self) -> int:
        return len(self.text.encode())


@dataclass(frozen=True)
class Error:
    file: str
    offset: int
    raw: bytes


@dataclass(frozen=True)
class Member:
    """A document's place in a cluster."""

    cluster: bytes
    similarity: float
    method: str


@dataclass(frozen=True)
class Match:
    """The held-out document that a training document is most similar to."""

    key: bytes
    similarity: float


@dataclass
class Oracle:
    """What a recipe over the made corpus must give; rows in reading order."""

    recipe: Recipe
    documents: list[Document] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)

    def __post_init__(self) -> None:
        content = lines()
        for source, files in SOURCES.items():
            for name in files:
                self._read(source, name, content[name])
        nothing = [None] * len(self.documents)
        compared = search(self.documents, self.recipe.dedup) if self.recipe.dedup else (nothing, nothing)
        self.members, self.matches = compared

    def _read(self, source: str, name: str, content: Sequence[bytes]) -> None:
        offset = 0
        for line in content:
            if line.strip():
                try:
                    self.documents.append(parse(line, source, name, offset, self.recipe.heldout))
                except ValueError:
                    self.errors.append(Error(name, offset, line))
            offset += len(line) + 1

    def duplicates(self) -> list[dict[str, Any]]:
        """What the search for duplicates says of each document, as its sidecar must hold it."""
        alone = {"cluster": None, "similarity": None, "method": None}
        unlike = {"heldout_key": None, "heldout_similarity": None}
        return [
            (vars(member) if member else alone)
            | ({"heldout_key": match.key, "heldout_similarity": match.similarity} if match else unlike)
            for member, match in zip(self.members, self.matches, strict=True)
        ]

    def variant(self, name: str) -> list[dict[str, Any]]:
        """The verdict on each document, as the variant's sidecar must hold it."""
        config = self.recipe.variants[name]
        bounds = share_bounds(config.policy, self.documents)
        rows = [verdict(config.policy, document, bounds) for document in self.documents]
        for row, match in zip(rows, self.matches, strict=True):
            if row["kept"] and match is not None:
                row |= {"kept": False, "reason": "near_heldout", "duplicate_of": match.key, "value": match.similarity}
                row["threshold"] = float(np.nextafter(np.float32(self.recipe.dedup.threshold), np.float32(0)))
        if config.deduplicate:
            for index, kept_instead in choose(self.documents, self.members, rows).items():
                rows[index] |= {"kept": False, "reason": "duplicate", "duplicate_of": kept_instead}
        return rows

    def training(self, variant: str) -> list[Document]:
        """The documents that training may see."""
        rows = zip(self.documents, self.variant(variant), strict=True)
        return [document for document, row in rows if row["kept"] and not document.heldout]

    def sample(self, tokenizer: str) -> list[str]:
        """The texts that a tokenizer is trained on: whole millionths of the corpus, as many as fit, one at least."""
        config = self.recipe.tokenizers[tokenizer]
        variant = config.train_on or next(iter(self.recipe.variants))
        rows = ((shuffled(row.key, config.seed) >> 44, row) for row in self.training(variant))
        candidates = sorted(rows, key=lambda pair: pair[0])
        chosen, filled = [], 0
        for _, group in itertools.groupby(candidates, key=lambda pair: pair[0]):
            own = [row for _, row in group]
            filled += sum(row.size for row in own)
            if chosen and filled > config.max_train_bytes:
                break
            chosen += [row.text for row in own]
        return chosen


def parse(line: bytes, source: str, name: str, offset: int, heldout: HeldoutConfig) -> Document:
    """Read one line; ValueError where it is malformed."""
    record = json.loads(line.decode())
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ValueError("not a document")
    text = record.pop("text")
    text.encode()  # no lone surrogates
    given = record.pop("id", None)
    document_id = f"{name}:{offset}" if given is None else str(given)
    when = record.pop("timestamp", None)
    key = xxhash.xxh3_128(f"{source}\0{document_id}".encode()).digest()
    return Document(
        key=key,
        id=document_id,
        text=text,
        url=record.pop("url", None),
        source=source,
        timestamp=int(datetime.fromisoformat(when).timestamp()) if isinstance(when, str) else when,
        heldout=xxhash.xxh3_64(key, heldout.seed).intdigest() < heldout.share * 2**64,
        metadata=record,
    )


def search(documents: Sequence[Document], config: DedupConfig) -> tuple[list[Member | None], list[Match | None]]:
    """Compare all pairs; documents that are connected by equal texts, or by similar ones that share a band, are a
    cluster: of training documents or of held-out ones. Pairs of one of each are matches."""
    signed = [sign(texts_of(document), config) for document in documents]
    bands = [one.signatures[0].reshape(-1, config.banding[1]) for one in signed]
    label = list(range(len(documents)))
    found: list[list[Match]] = [[] for _ in documents]
    for right, document in enumerate(documents):
        for left in range(right):
            same = config.exact and documents[left].text == document.text
            comparable = config.minhash and signed[left].valid[0] and signed[right].valid[0]
            near = comparable and (bands[left] == bands[right]).all(axis=1).any()
            if not (same or (near and similar(documents[left], document, bands[left], bands[right], config))):
                continue
            if documents[left].heldout != document.heldout:
                training, other = (left, right) if document.heldout else (right, left)
                found[training].append(Match(documents[other].key, share_of(left, right, documents, bands, config)))
            else:
                old, new = label[right], label[left]
                label = [new if one == old else one for one in label]
    nearest = [min(some, key=lambda match: (-match.similarity, match.key), default=None) for some in found]
    return [_member(index, label, documents, bands) for index in range(len(documents))], nearest


def share_of(
    left: int, right: int, documents: Sequence[Document], bands: Sequence[np.ndarray], config: DedupConfig
) -> float:
    """How similar two documents are, as the search measures it."""
    if documents[left].text == documents[right].text:
        return 1.0
    if config.verify == "exact":
        return float(np.float32(true_similarity(documents[left], documents[right], config)))
    return float(np.float32((bands[left] == bands[right]).mean()))


def true_similarity(left: Document, right: Document, config: DedupConfig) -> float:
    ours, theirs = (set(shingles(texts_of(document), config)[0].tolist()) for document in (left, right))
    return len(ours & theirs) / len(ours | theirs)


def texts_of(document: Document) -> Texts:
    return Texts.from_arrow(pa.array([document.text], pa.large_string()))


def similar(left: Document, right: Document, a: np.ndarray, b: np.ndarray, config: DedupConfig) -> bool:
    """Whether two documents that share a band are duplicates."""
    if config.verify == "none":
        return True
    if config.verify == "signature":
        return bool(np.float32((a == b).mean()) >= np.float32(config.threshold))
    return true_similarity(left, right, config) >= config.threshold


def _member(
    index: int, label: Sequence[int], documents: Sequence[Document], bands: Sequence[np.ndarray]
) -> Member | None:
    cluster = [other for other, one in enumerate(label) if one == label[index]]
    if len(cluster) == 1:
        return None
    lead = min(cluster, key=lambda other: (documents[other].key, other))
    name = _cluster_name(documents[lead])
    if documents[lead].text == documents[index].text:
        return Member(name, 1.0, "exact")
    return Member(name, float(np.float32((bands[index] == bands[lead]).mean())), "minhash")


def _cluster_name(lead: Document) -> bytes:
    """Name a cluster after its lead's key and text: keys may repeat."""
    data = np.frombuffer(lead.key + xxhash.xxh3_128_digest(lead.text.encode()), np.uint8)
    ends = np.array([0, 32])
    return b"".join(hash_spans(data, ends[:1], ends[1:], seed=seed).tobytes() for seed in (1, 2))


def verdict(policy: PolicyConfig, document: Document, bounds: Mapping[str, float | None]) -> dict[str, Any]:
    """Try every rule on one document."""
    found = signals_of(document.text)
    failures = excluded(policy, document)
    for place, rule in active_rules(policy):
        failures += _failures(rule, place, found, bounds)
    reason, value, threshold = failures[0] if failures else (None, None, None)
    return {
        "kept": not failures,
        "reason": reason,
        "failed": list(dict.fromkeys(name for name, *_ in failures)),
        "value": value if value is None else float(np.float32(value)),
        "threshold": threshold if threshold is None else float(np.float32(threshold)),
        "duplicate_of": None,
    }


def excluded(policy: PolicyConfig, document: Document) -> list[Failure]:
    """The exclude lists that name a document."""
    failures: list[Failure] = []
    for path in policy.exclude:
        with open(path) as file:
            entries = {line.strip() for line in file if not line.startswith("#")} - {""}
        if {document.id, document.url} & entries:
            failures.append((f"exclude:{path.rsplit('/', 1)[1]}", None, None))
    return failures


def share_bounds(policy: PolicyConfig, documents: Sequence[Document]) -> dict[str, float | None]:
    """Sort the values of the training documents that pass all rules without a share; by the share's place."""
    rules = active_rules(policy)
    plain = [(place, rule) for place, rule in rules if not any(leaf.is_share for _, leaf in rule.leaves(place))]
    passing = []
    for document in documents:
        found = signals_of(document.text)
        fails = excluded(policy, document) or any(_failures(rule, place, found, {}) for place, rule in plain)
        if not fails and not document.heldout:
            passing.append(found)
    leaves = [leaf for place, rule in rules for leaf in rule.leaves(place) if leaf[1].is_share]
    return {place: _share_bound(rule, [found[rule.signal] for found in passing]) for place, rule in leaves}


def _share_bound(rule: Rule, values: Sequence[Any]) -> float | None:
    ranked = sorted((value for value in values if value is not None), reverse=rule.highest is not None)
    count = math.ceil(Fraction(str(rule.highest or rule.lowest)) * len(ranked))
    return ranked[count - 1] if ranked else None


def _failures(
    entry: Rule | RuleGroup, place: str, found: Mapping[str, Any], bounds: Mapping[str, float | None]
) -> list[Failure]:
    if isinstance(entry, RuleGroup):
        members = [_failures(member, inner, found, bounds) for inner, member in entry.members(place)]
        failed = [failures for failures in members if failures]
        fails = failed if entry.all_ else len(failed) == len(members)
        return [(entry.named, *failed[0][0][1:])] if fails else []
    rule, value = entry, found[entry.signal]
    if value is None:
        return [] if rule.missing == "keep" else [(f"{rule.reason or rule.signal}:missing", None, None)]
    return _value_failures(rule, value, bounds.get(place))


def _value_failures(rule: Rule, value: float, bound: float | None) -> list[Failure]:
    narrow = (lambda number: number) if isinstance(value, int) else np.float32
    if rule.in_ is not None and value not in rule.in_:
        return [(rule.reason or f"{rule.signal}:in", value, None)]
    if rule.not_in is not None and value in rule.not_in:
        return [(rule.reason or f"{rule.signal}:not_in", value, None)]
    lowest = {"min": rule.min, "highest": bound if rule.highest else None}
    largest = {"max": rule.max, "lowest": bound if rule.lowest else None}
    below = [(name, limit) for name, limit in lowest.items() if limit is not None and narrow(value) < narrow(limit)]
    above = [(name, limit) for name, limit in largest.items() if limit is not None and narrow(value) > narrow(limit)]
    return [(rule.reason or f"{rule.signal}:{name}", value, limit) for name, limit in below + above]


def choose(
    documents: Sequence[Document], members: Sequence[Member | None], rows: Sequence[Mapping[str, Any]]
) -> dict[int, bytes]:
    """Return the key of the copy that stays for each one of a cluster that is dropped."""
    clusters: dict[bytes, list[int]] = {}
    for index, member in enumerate(members):
        if member is not None and rows[index]["kept"]:
            clusters.setdefault(member.cluster, []).append(index)
    dropped = {}
    for passing in clusters.values():
        head = min(passing, key=lambda index: (-documents[index].size, documents[index].key, index))
        dropped |= {index: documents[head].key for index in passing if index != head}
    return dropped


def shuffled(key: bytes, seed: int) -> int:
    return int(hash_spans(np.frombuffer(key, np.uint8), np.array([0]), np.array([16]), seed)[0])
