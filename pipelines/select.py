"""Signals and duplicates to a variant: judge each row, choose one copy of each cluster, write the verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, policy, storage
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import KEY
from corpuskit.documents.streams import binary_reader
from corpuskit.manifest import Identity, Marker, Target
from corpuskit.policy import PolicyConfig, Rule
from corpuskit.recipe import BEST, VariantConfig, needed
from corpuskit.signals import BYTES
from pipelines import copies, exchange, heldout, thresholds
from pipelines.annotate import split_items
from pipelines.engine import Attempt, Item, Phase, Step

REVISION = 2
NOT_CLEANED = "not_cleaned"
AGAINST = "against."
"""What reasons that name another corpus begin with."""
SCHEMA = pa.schema([*policy.VERDICT_SCHEMA, pa.field("duplicate_of", KEY)])


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The artifacts that a variant is chosen from."""

    documents: Target
    """The documents, or the revision of them that is the variant's text."""
    signals: Mapping[str, Target]
    """Where each signal lies, by `group.name`."""
    duplicates: Target | None
    """Clusters of equal and similar texts."""
    urls: Target | None = None
    """Clusters of documents with the same URL."""
    shared: Target | None = None
    """Clusters of the text that variants share, for a variant that has another."""
    counts: tuple[Target, ...] = ()
    """The counts of all cleaners that made the variant's text."""
    sources: tuple[str, ...] = ()
    """The recipe's sources in order."""

    @property
    def searches(self) -> dict[str, Target | None]:
        """The searches for duplicates by kind."""
        return {"urls": self.urls, "shared": self.shared, "texts": self.duplicates}


def target(name: str, config: VariantConfig, inputs: Inputs, out: str) -> Target:
    """Return where a variant's verdicts go; exclusion lists count by their content."""
    fingerprints = {"documents": inputs.documents.fingerprint}
    places = {place.name: place for place in (inputs.signals[signal] for signal in sorted(needed(config)))}
    fingerprints |= {f"signals.{name}": place.fingerprint for name, place in places.items()}
    if inputs.duplicates:
        fingerprints["duplicates"] = inputs.duplicates.fingerprint
    if inputs.urls:
        fingerprints["urls"] = inputs.urls.fingerprint
    if inputs.shared:
        fingerprints["shared"] = inputs.shared.fingerprint
    settings = {
        **config.model_dump(mode="json", exclude={"clean", "decontaminate", "cut"}),
        "policy": _policy_identity(config.policy),
    }
    if config.keep == "source_order":
        settings["sources"] = list(inputs.sources)
    identity = Identity(
        step="select",
        revision=REVISION,
        config=settings,
        inputs=fingerprints,
        libraries=manifest.library_versions(["pyarrow"]),
    )
    return Target.place("variant", name, storage.join(out, "variants"), identity)


def _policy_identity(config: PolicyConfig) -> dict[str, Any]:
    """Return what a policy does rather than what it is called: its rules, and the content of its exclude lists."""
    lists = {path: storage.checksum(path) for path in config.exclude}
    return {"rules": [rule.plain() for _, rule in policy.active_rules(config)], "exclude": lists}


def step(place: Target, config: VariantConfig, inputs: Inputs) -> Step:
    """Plan one variant."""
    documents = manifest.read(inputs.documents.folder, "documents")
    items, n_parts = split_items(documents), copies.parts(documents.rows)
    names = tuple(item.name for item in items)
    shared: dict[str, Any] = {"config": config, "inputs": inputs, "n_parts": n_parts}
    return Step(
        **vars(place),
        phases=(
            *_share_phases(items, names, config, inputs),
            Phase(name="judge", items=items, work=partial(judge, **shared)),
            *_choice_phases(names, config, n_parts),
            Phase(name="write", items=items, work=partial(write, splits=names, **shared)),
        ),
        scratch=("work",),
        finish=partial(_finish, config=config),
    )


def _share_phases(
    items: tuple[Item, ...], names: tuple[str, ...], config: VariantConfig, inputs: Inputs
) -> tuple[Phase, ...]:
    """Return the phases that find the bounds of shares; none for a policy without shares."""
    if not policy.shares(config.policy):
        return ()
    find = partial(thresholds.find, splits=names, config=config.policy)
    return (
        Phase(name="candidates", items=items, work=partial(candidates, config=config, inputs=inputs)),
        Phase(name="thresholds", items=(Item(name="all"),), work=find),
    )


def _choice_phases(names: tuple[str, ...], config: VariantConfig, n_parts: int) -> tuple[Phase, ...]:
    """Return the phase that chooses among copies; none for a variant that keeps all of them."""
    if not copies.kinds(config):
        return ()
    work = partial(copies.choose_copies, splits=names, config=config, n_parts=n_parts)
    return (Phase(name="choose", items=(Item(name="all"),), work=work),)


def candidates(attempt: Attempt, *, config: VariantConfig, inputs: Inputs) -> Marker:
    """Write the values of one split that shares are taken of."""
    part = attempt.item.payload["part"]
    columns = _columns(part, config, inputs)
    training = ~columns.column("heldout").to_numpy()
    values = policy.candidates(_with_guards(config, inputs), columns, training)
    thresholds.write_values(attempt.folder, part["name"], values)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=sum(map(len, values)))


def judge(attempt: Attempt, *, config: VariantConfig, inputs: Inputs, n_parts: int) -> Marker:
    """Apply the policy to one split; hand the members of clusters on to the choice of copies."""
    part = attempt.item.payload["part"]
    columns = _columns(part, config, inputs)
    bounds = thresholds.read(attempt.folder, config.policy)
    verdicts = policy.judge(_with_guards(config, inputs), columns, thresholds=bounds)
    sidecars.write(storage.join(attempt.folder, "work", "verdicts"), part["name"], verdicts)
    passes = pc.and_(verdicts.column("kept"), heldout.matches(part, inputs.searches).column("reason").is_null())
    for kind in copies.kinds(config):
        search = inputs.searches[kind]
        order = _order(columns, config.keep, inputs.sources)
        members = _members(part, columns, passes, search, order) if search else exchange.empty(copies.MEMBERS)
        copies.write_members(attempt.folder, kind, part["name"], members, n_parts)
    counts = _judged_by_language(config.policy, columns)
    own = {"rows": part["rows"], "keys": part["keys"], "counts": counts}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, **own)


def _judged_by_language(config: PolicyConfig, columns: pa.Table) -> dict[str, float]:
    """Return how many documents have each label that the policy has rules for."""
    asked = policy.languages(config)
    labels = columns.column(policy.LABEL) if asked else None
    return {label: pc.sum(pc.equal(labels, label)).as_py() or 0 for label in asked}


def _with_guards(config: VariantConfig, inputs: Inputs) -> PolicyConfig:
    """Add rules to a policy: some that drop what cleaners could not clean, rows that killed their worker, whose counts
    are null; and some that drop the duplicates of other corpora."""
    guards = [Rule(signal=_guard(index), min=0, reason=NOT_CLEANED) for index in range(len(inputs.counts))]
    for name in _against(config, inputs):
        signal, bound = f"{name}.similarity", heldout.below_duplicates(inputs.duplicates)  # type: ignore[arg-type]
        guards.append(Rule(signal=signal, max=bound, missing="keep", reason=AGAINST + name))
    return config.policy.model_copy(update={"rules": (*guards, *config.policy.rules)})


def _against(config: VariantConfig, inputs: Inputs) -> list[str]:
    """Return the references whose duplicates a variant drops, sorted: their order in the recipe decides nothing."""
    compared = inputs.duplicates.identity.inputs if inputs.duplicates else {}
    names = sorted(name.removeprefix(AGAINST) for name in compared if name.startswith(AGAINST))
    return names if config.against == "all" else [name for name in names if name in config.against]


def _guard(index: int) -> str:
    return f"cleaning.{index}"


def _columns(part: Mapping[str, Any], config: VariantConfig, inputs: Inputs) -> pa.Table:
    """Return what rules and choices read: key, id, url, heldout, timestamp and the signals, row-aligned."""
    names = ["key", "id", "url", "source", "heldout", "timestamp"]
    table = pa.Table.from_batches(list(read_split(inputs.documents.folder, part["name"], columns=names)))
    folders: dict[str, list[str]] = {}
    for signal in sorted(needed(config)):
        folders.setdefault(inputs.signals[signal].folder, []).append(signal)
    for folder, signals in folders.items():
        for name, column in zip(signals, sidecars.read(folder, part, signals).columns, strict=True):
            table = table.append_column(name, column)
    for name in _against(config, inputs):
        matches = sidecars.read(inputs.duplicates.folder, part, [f"{name}.similarity"])  # type: ignore[union-attr]
        table = table.append_column(f"{name}.similarity", matches.column(0))
    for index, place in enumerate(inputs.counts):
        counts = sidecars.read(place.folder, part, list(place.identity.config["counts"][:1]))
        table = table.append_column(_guard(index), counts.column(0))
    return table


def _members(
    part: Mapping[str, Any], columns: pa.Table, passes: pa.ChunkedArray, search: Target, order: pa.ChunkedArray
) -> pa.RecordBatch:
    """Return the members of clusters that copies are chosen among; `copies.MEMBERS`."""
    labels = sidecars.read(search.folder, part, ["cluster"]).column("cluster")
    rows = pa.array(np.flatnonzero(pc.and_(labels.is_valid(), passes)))
    values = {
        "row": rows,
        "cluster": labels.take(rows),
        "key": columns.column("key").take(rows),
        "order": order.take(rows),
    }
    return exchange.one_batch(pa.Table.from_pydict(values, copies.MEMBERS))


def _order(columns: pa.Table, keep: str, sources: Sequence[str]) -> pa.ChunkedArray:
    """Return what the copy that stays has most of, as float64; documents without a value come last."""
    if keep == "newest":
        values = columns.column("timestamp").cast(pa.int64())
    elif keep == "source_order":
        values = pc.negate(pc.index_in(columns.column("source"), pa.array(sources, pa.string())))
    else:
        values = columns.column(BYTES if keep == "longest" else keep.removeprefix(BEST))
    numbers = values.cast(pa.float64())
    known = pc.and_(numbers.is_valid(), pc.invert(pc.is_nan(numbers).fill_null(True)))
    return pc.if_else(known, numbers, pa.scalar(-np.inf))


def write(attempt: Attempt, *, splits: Sequence[str], config: VariantConfig, inputs: Inputs, n_parts: int) -> Marker:
    """Join the verdicts with the choice of copies and commit the variant's sidecar."""
    part = attempt.item.payload["part"]
    work = storage.join(attempt.folder, "work")
    path = storage.join(work, "verdicts", sidecars.file_name(part["name"]))
    verdicts = pq.ParquetFile(binary_reader(path, {})).read()
    paths = copies.choices_paths(attempt.folder, config, n_parts)
    choices = exchange.gather(paths, splits.index(part["name"])) if paths else copies.CHOICES.empty_table()
    table = _without_copies(_without_heldout(verdicts, heldout.matches(part, inputs.searches)), choices)
    table = _name_references(table, part, config, inputs)
    counts = _counts(table, verdicts, part, config, inputs)
    entry = {"name": part["name"], "rows": part["rows"], "keys": part["keys"], "kept": int(counts["kept"])}
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=len(table),
        keys=part["keys"],
        counts=counts,
        files=sidecars.write(attempt.folder, part["name"], table),
        parts=[entry],
    )


def _without_heldout(verdicts: pa.Table, matches: pa.Table) -> pa.Table:
    """Mark the rows that are like held-out ones; a row that failed a rule keeps that reason. Schema `SCHEMA`."""
    lost = pc.and_(verdicts.column("kept"), matches.column("reason").is_valid())
    columns = {name: pc.if_else(lost, matches.column(name), verdicts.column(name)) for name in _NAMED}
    columns |= {"kept": pc.and_not(verdicts.column("kept"), lost), "failed": verdicts.column("failed")}
    columns["duplicate_of"] = pc.if_else(lost, matches.column("duplicate_of"), pa.scalar(None, KEY))
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


_NAMED = ("reason", "value", "threshold")
"""What verdicts and matches with held-out rows both have."""


def _without_copies(table: pa.Table, choices: pa.Table) -> pa.Table:
    """Mark the rows that lost against another copy, all of which were kept so far."""
    rows = choices.column("row").to_numpy()
    place = np.full(len(table), -1, np.int64)
    place[rows] = np.arange(len(rows))
    lost = pa.array(place, mask=place < 0)
    marked = {name: choices.column(name).take(lost) for name in ("reason", "duplicate_of")}
    columns = {name: pc.coalesce(marked[name], table.column(name)) for name in marked}
    columns["kept"] = pc.and_(table.column("kept"), marked["reason"].is_null())
    return pa.table([columns.get(name, table.column(name)) for name in SCHEMA.names], schema=SCHEMA)


def _name_references(table: pa.Table, part: Mapping[str, Any], config: VariantConfig, inputs: Inputs) -> pa.Table:
    """Say which document of another corpus those are duplicates of that were dropped for it."""
    place = table.schema.get_field_index("duplicate_of")
    for name in _against(config, inputs):
        keys = sidecars.read(inputs.duplicates.folder, part, [f"{name}.key"]).column(0)  # type: ignore[union-attr]
        lost = pc.equal(table.column("reason"), AGAINST + name).fill_null(False)
        column = pc.if_else(lost, keys.combine_chunks(), table.column(place).combine_chunks())
        table = table.set_column(place, table.schema.field(place), column)
    return table


def _counts(
    table: pa.Table, verdicts: pa.Table, part: Mapping[str, Any], config: VariantConfig, inputs: Inputs
) -> dict[str, float]:
    """Sum documents and bytes: all, kept, kept and held out, and by first reason."""
    sizes = sidecars.read(inputs.signals[BYTES].folder, part, [BYTES]).column(0).fill_null(0)
    heldout = pa.Table.from_batches(
        list(read_split(inputs.documents.folder, part["name"], columns=["heldout"]))
    ).column(0)
    kept = table.column("kept").combine_chunks()
    counts = {
        **{f"policy.{name}": count for name, count in policy.summary(config.policy, verdicts).items()},
        "passed": pc.sum(verdicts.column("kept")).as_py() or 0,
        "passed_bytes": pc.sum(sizes.filter(verdicts.column("kept").combine_chunks())).as_py() or 0,
        "kept": pc.sum(kept).as_py() or 0,
        "kept_bytes": pc.sum(sizes.filter(kept)).as_py() or 0,
        "kept_heldout": pc.sum(pc.and_(kept, heldout.combine_chunks())).as_py() or 0,
    }
    reasons = pa.table({"reason": table.column("reason"), "bytes": sizes}).filter(pc.invert(kept))
    for row in reasons.group_by("reason").aggregate([("bytes", "count"), ("bytes", "sum")]).to_pylist():
        counts[f"dropped.{row['reason']}"] = row["bytes_count"]
        counts[f"dropped_bytes.{row['reason']}"] = row["bytes_sum"]
    return counts


def _finish(step: Step, markers: Mapping[str, list[Marker]], config: VariantConfig) -> manifest.Manifest:
    judged = manifest.merge(markers["judge"])["counts"]
    shares = thresholds.report(step.folder, config.policy)
    chosen_by = config.model_dump(mode="json", by_alias=True, exclude={"cut"})
    return step.manifest(markers["write"], extra={"config": chosen_by, "judged_by_language": judged, "shares": shares})
