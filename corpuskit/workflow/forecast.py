"""What a run on all documents would give and take, from a run on a sample of them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from math import ceil

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, policy, storage
from corpuskit.documents import read_documents, reading_seconds, revisions, sidecars
from corpuskit.manifest import Manifest, Target
from corpuskit.workflow.estimates import Estimate, copies, exact, less, size_biased, total
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.timing import StepTime, Timing

NAME = "forecast.json"
MEMBER_BYTES = 32
"""Most bytes that a member of a cluster takes in the sidecar of duplicates: its cluster's name and a similarity."""
COPIES = (
    "copies: a sample of share p holds both of a pair with probability p², so what is lost to copies is at least what "
    "the sample lost / p, and at most each cluster's first copy / p² and its others / p; what is kept is given as "
    "bounds, not as an estimate"
)
CUTS = (
    "cuts: the documents of the whole repeat more of one another than those of a sample, so what `cut` steps leave is "
    "given as its upper bound alone"
)
READ_ALL = "all inputs were read: records, documents and their bytes are exact, the rest is estimated"
READ_PAGES = "all inputs were read, but only the sample's pages extracted: documents and bytes are estimated too"
TIMES = (
    "times: this machine and these workers, work in proportion to bytes, kernels compiled or loaded at the start-up; "
    "upper bounds for tokenizers, whose training has a fixed part"
)
LINKED = "disk: Parquet inputs whose types fit are linked, not copied: then documents take the lower figure"


@dataclass(frozen=True)
class Line:
    """Documents and bytes of text that one step leaves or drops."""

    step: str
    variant: str | None
    documents: Estimate
    bytes: Estimate


@dataclass(frozen=True)
class StepSeconds:
    """How long a step took on the sample, and would take on the whole."""

    step: str
    sample: float | None
    whole: float | None
    """None where the step ran before it could be measured."""


@dataclass(frozen=True)
class Disk:
    """The bytes that artifacts of one kind take."""

    kind: str
    sample: int
    whole: Estimate


@dataclass(frozen=True)
class Forecast:
    """The result."""

    share: float
    documents: int
    """Documents in the sample."""
    lines: tuple[Line, ...]
    times: tuple[StepSeconds, ...]
    disk: tuple[Disk, ...]
    notes: tuple[str, ...]


class Sample:
    """The documents of a sample, and what is known of the whole."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.share = flow, flow.recipe.sample
        self.made = manifest.read(flow.documents.folder, "documents")
        counts = self.made.counts
        self.population, self.population_bytes = int(counts["population"]), int(counts["population_bytes"])
        self.taken = int(counts["population_taken"])
        self.pages = "extract" in flow.documents.identity.config
        """Whether bytes of text are known of the sample only."""

    @cached_property
    def raw(self) -> np.ndarray:
        """Bytes of each document's text as it was read; float64[rows]."""
        return self.sizes(self.flow.documents.folder)

    def sizes(self, folder: str) -> np.ndarray:
        """Return the bytes of each document's text in a folder of documents; float64[rows]."""
        batches = [pc.binary_length(batch.column("text")) for batch in read_documents(folder, ["text"])]
        return pa.chunked_array(batches, pa.int64()).to_numpy().astype(np.float64)

    @property
    def growth(self) -> float:
        """Documents of the whole for each one of the sample."""
        return self.population / self.taken

    @property
    def growth_bytes(self) -> float:
        """Bytes of text in the whole for each one of the sample."""
        return self.growth if self.pages else self.population_bytes / max(float(self.raw.sum()), 1.0)

    @property
    def all(self) -> Estimate:
        """All documents of the whole."""
        return self.documents(np.ones(self.made.rows)) if self.pages else exact(self.population)

    def all_bytes(self, text: Target, sizes: np.ndarray) -> Estimate:
        """Bytes of a text of all documents of the whole, from those of each document in the sample."""
        read = text.folder == self.flow.documents.folder
        return exact(self.population_bytes) if read and not self.pages else self.bytes(sizes)

    def documents(self, chosen: np.ndarray) -> Estimate:
        """Estimate how many documents of the whole are like those chosen; bool[rows]."""
        return total(self._padded(chosen), np.ones(self.taken), self.population, self.share)

    def bytes(self, sizes: np.ndarray) -> Estimate:
        """Estimate the sum of what is given for each document; float64[rows]."""
        if self.pages:
            return total(self._padded(sizes), np.ones(self.taken), self.population, self.share)
        return total(sizes, self.raw, self.population_bytes, self.share)

    def _padded(self, values: np.ndarray) -> np.ndarray:
        """Return values for all that was taken: pages without a document have none."""
        return np.pad(values.astype(np.float64), (0, self.taken - len(values)))


def forecast(flow: Flow, timing: Timing) -> Forecast:
    """Predict the run of a recipe on all documents; keep the result in the sample's folder.

    Args:
        flow: the recipe on a sample, finished.
        timing: what its steps took.
    """
    sample = Sample(flow)
    copied = bool(flow.duplicates or flow.urls)
    linked = "links" in flow.documents.identity.inputs
    cut = any(flow.cuts.values())
    notes = [READ_PAGES if sample.pages else READ_ALL, *[COPIES] * copied, *[CUTS] * cut, TIMES, *[LINKED] * linked]
    made = Forecast(
        share=sample.share,
        documents=sample.made.rows,
        lines=tuple(_lines(sample)),
        times=tuple(_times(sample, timing)),
        disk=tuple(_disk(sample)),
        notes=tuple(notes),
    )
    storage.commit(storage.join(flow.out, NAME), orjson.dumps(asdict(made), option=orjson.OPT_INDENT_2))
    return made


def _lines(sample: Sample) -> Iterator[Line]:
    flow, counts = sample.flow, sample.made.counts
    for name, count in counts.items():
        if name.startswith("skipped."):
            yield Line(f"skipped: {name.removeprefix('skipped.')}", None, exact(count), exact(0))
    if sample.made.errors:
        yield Line("malformed", None, exact(sample.made.errors), exact(0))
    yield Line("documents", None, sample.all, sample.all_bytes(flow.documents, sample.raw))
    if flow.recipe.clean:
        cleaned = flow.texts[0].documents
        yield Line("cleaned", None, sample.all, sample.all_bytes(cleaned, sample.sizes(cleaned.folder)))
    for name in flow.recipe.variants:
        *before, kept = _variant_lines(sample, name)
        yield from [*before, kept, *_cut_lines(sample, kept)]


def _cut_lines(sample: Sample, kept: Line) -> Iterator[Line]:
    """Give the most that each `cut` step of a variant leaves of what is kept."""
    name = str(kept.variant)
    lost = np.zeros(sample.made.rows)
    for config, place in zip(sample.flow.recipe.variants[name].cut, sample.flow.cuts[name], strict=True):
        lost += np.concatenate([revisions.bytes_cut(place.folder, part) for part in sample.made.parts])
        left = max(kept.bytes.high - sample.bytes(lost).low, 0.0)
        yield Line(f"{name}: after {config.step}", name, kept.documents, Estimate(None, 0.0, left))


def _variant_lines(sample: Sample, name: str) -> Iterator[Line]:
    """Give what passes a variant's policy, what is lost to copies, and what is kept."""
    flow, place = sample.flow, sample.flow.variants[name]
    columns = ["kept", "failed", "duplicate_of"]
    table = pa.concat_tables([sidecars.read(place.folder, part, columns) for part in sample.made.parts])
    sizes = sample.sizes(flow.text_of(name).documents.folder)
    kept = table.column("kept").to_numpy()
    passed = pc.equal(pc.list_value_length(table.column("failed")).fill_null(0), 0).to_numpy()
    config = flow.recipe.judged_variants[name].policy
    may_drop = policy.active_rules(config) or config.exclude or not passed.all()
    documents = sample.documents(passed) if may_drop else sample.all
    text = sample.bytes(sizes * passed) if may_drop else sample.all_bytes(flow.text_of(name).documents, sizes)
    if not (flow.duplicates or flow.urls):
        yield Line(f"{name}: kept", name, documents, text)
        return
    lost = passed & ~kept
    heads = table.column("duplicate_of").combine_chunks().dictionary_encode().indices.fill_null(0)
    clusters = heads.to_numpy(zero_copy_only=False)[lost].astype(np.int64)
    lost_documents = copies(clusters, np.ones(int(lost.sum())), 1.0, sample.share)
    lost_bytes = copies(clusters, sizes[lost], size_biased(sizes), sample.share)
    yield Line(f"{name}: pass the policy", name, documents, text)
    yield Line(f"{name}: lost to copies", name, _most(lost_documents, documents), _most(lost_bytes, text))
    yield Line(f"{name}: kept", name, less(documents, lost_documents), less(text, lost_bytes))


def _most(lost: Estimate, passed: Estimate) -> Estimate:
    return Estimate(None, min(lost.low, passed.high), min(lost.high, passed.high))


def _places(flow: Flow) -> list[Target]:
    return list({place.folder: place for place in [*flow.targets, *flow.shards.values()]}.values())


def _disk(sample: Sample) -> Iterator[Disk]:
    sizes: dict[str, list[tuple[int, Estimate]]] = {}
    for place in _places(sample.flow):
        found = manifest.read(place.folder)
        kind = "revisions" if place.kind == "documents" and place.name != "documents" else place.kind
        size = sum(int(entry["bytes"]) for entry in found.files.values())
        sizes.setdefault(kind, []).append((size, _whole_size(sample, place, found, size)))
    for kind, found_sizes in sizes.items():
        yield Disk(kind, sum(size for size, _ in found_sizes), _sum([whole for _, whole in found_sizes]))


def _sum(parts: list[Estimate]) -> Estimate:
    values = [part.value for part in parts if part.value is not None]
    value = sum(values) if len(values) == len(parts) else None
    return Estimate(value, sum(part.low for part in parts), sum(part.high for part in parts))


def _whole_size(sample: Sample, place: Target, found: Manifest, size: int) -> Estimate:
    if place.kind in ("tokenizer", "counts"):  # unique words grow slower than text
        return exact(size)
    if place.kind in ("documents", "shards"):
        whole = size * sample.growth_bytes
        linked = place.name == "documents" and "links" in place.identity.inputs
        return Estimate(None, _without_text(place.folder, found) * sample.growth, whole) if linked else exact(whole)
    whole = size * sample.growth
    if place.kind != "duplicates":
        return exact(whole)
    clusters = found.extra["clusters"]
    copied = clusters / sample.share**2 + (found.extra["members"] - 2 * clusters) / sample.share
    members = min(2 * copied, float(sample.population))
    return Estimate(None, whole, whole + members * MEMBER_BYTES)


def _without_text(folder: str, found: Manifest) -> int:
    """Return the bytes that documents take without their texts."""
    total_size = 0
    for part in found.parts:
        footer = pq.read_metadata(storage.join(folder, f"{part['name']}.parquet"))
        groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
        columns = [group.column(index) for group in groups for index in range(group.num_columns)]
        total_size += sum(column.total_compressed_size for column in columns if column.path_in_schema != "text")
    return total_size


def _times(sample: Sample, timing: Timing) -> Iterator[StepSeconds]:
    measured = timing.of({place.fingerprint for place in _places(sample.flow)})
    yield StepSeconds("start-up of workers", timing.start, timing.start)
    for step in measured:
        yield StepSeconds(_label(sample.flow, step), step.seconds, _whole_seconds(sample, timing, step))
    made = {fingerprint for step in measured for fingerprint in step.makes}
    missing = [place for place in _places(sample.flow) if place.fingerprint not in made]
    yield from (StepSeconds(f"{place.kind} {place.name}", None, None) for place in missing if place.kind != "signals")


def _label(flow: Flow, step: StepTime) -> str:
    """Return what a step is called where it runs."""
    if step.kind == "pass":
        made = set(step.makes)
        texts = [
            text
            for text, groups in flow.signals_by_text.items()
            if text and made <= {place.fingerprint for place in groups.values()}
        ]
        return f"signals of {texts[0]}" if texts else "signals"
    if step.kind == "documents" and step.name != "documents":
        return f"revision {step.name}"
    return step.name if step.name.startswith(step.kind) else f"{step.kind} {step.name}"


def _whole_seconds(sample: Sample, timing: Timing, step: StepTime) -> float | None:
    if any(phase.items and not phase.ran for phase in step.phases):  # an earlier run did it, and ended before it told
        return None
    fixed = max(step.seconds - sum(phase.seconds for phase in step.phases), 0.0)
    parts = len(sample.made.parts)
    pieces = len(sample.flow.ingest.phases[0].items)
    whole_bytes = float(sample.raw.sum()) * sample.growth_bytes
    whole_parts = max(pieces, ceil(whole_bytes / sample.flow.recipe.split_bytes))
    if step.kind == "documents" and step.name == "documents":
        seconds = reading_seconds(sample.flow.documents.folder)
        work = seconds["reading"] + (seconds["all"] - seconds["reading"]) * sample.growth
        return fixed + _spread(work, pieces, timing)
    for phase in step.phases:
        whole_items = whole_parts if phase.items == parts else phase.items
        own = max(phase.seconds - timing.overhead * ceil(phase.ran / timing.workers), 0.0)
        work = own * min(timing.workers, phase.ran) * phase.items / phase.ran * sample.growth_bytes
        fixed += _spread(work, whole_items, timing)
    return fixed


def _spread(work: float, items: int, timing: Timing) -> float:
    """Return the seconds that work takes once workers share it out."""
    return work / max(min(timing.workers, items), 1) + timing.overhead * ceil(items / timing.workers)
