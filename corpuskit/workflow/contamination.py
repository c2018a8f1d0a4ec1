"""Which evaluation items the training text of a corpus holds: the search, its report as tables, and warnings."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from corpuskit import manifest, storage
from corpuskit.contamination.items import of_reference, of_task
from corpuskit.corpus import Corpus
from corpuskit.errors import InputError
from corpuskit.manifest import Target
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.report import Cell, Interval, ReportData, Table, write_report
from corpuskit.tasks import Task
from corpuskit.workflow.grid import Grid

if TYPE_CHECKING:
    from pipelines.contamination import Search
    from pipelines.engine import Engine

PAGE = "contamination.html"
LISTED, TOUCHED = 30, 5
"""Items that a page or a terminal lists for each variant and set, and how many of these may be no more than touched.
The JSON has more, `items.parquet` all."""
SHOWN = 120
"""Characters of an item that a table shows."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was looked for, and what was found."""

    folder: str
    """The artifact's folder."""
    report: Mapping[str, Any]
    """`contamination.json`, as `docs/decontamination.md` describes it."""


def search_for(recipe: Recipe, loaded: Mapping[str, Task]) -> "Search":
    """Return the search for the items of loaded tasks, and of the references that the recipe names."""
    from pipelines.contamination import Search

    matching = recipe.matching
    tasks = {name: of_task(task, matching.training_rows) for name, task in loaded.items()}
    references = {name: of_reference(config, name) for name, config in matching.references.items()}
    bounds = {"max_share": matching.max_share, "max_similarity": matching.max_similarity}
    return Search(items=tasks | references, config=matching, **bounds)


def place(search: "Search", corpus: Corpus) -> Target:
    """Return where what a search finds goes."""
    from pipelines import contamination

    return contamination.target(search, corpus)


def measure(engine: "Engine", search: "Search", corpus: Corpus) -> Measured:
    """Run a search, unless it is done."""
    from pipelines import contamination

    step = contamination.step(search, corpus)
    engine.run(step)
    return read(step.folder)


def read(folder: str) -> Measured:
    """Read a finished search.

    Raises:
        ArtifactError: there is none.
    """
    from pipelines.contamination import REPORT

    manifest.read(folder, "contamination")
    return Measured(folder=folder, report=orjson.loads(storage.read_bytes(storage.join(folder, REPORT))))


def measure_corpus(path: str, engine: "Engine") -> Measured:
    """Look for the items of all tasks of the recipe that a corpus was prepared with, and record the report in it.

    Raises:
        ArtifactError: `path` is not a prepared corpus.
        InputError: its recipe has neither tasks nor references.
    """
    corpus = Corpus(path)
    recipe = build(orjson.loads(corpus.manifest.extra["recipe"]))
    search = search_for(recipe, Grid(recipe, corpus).tasks())
    if not search.items:
        raise InputError(f"{path}: its recipe has no `tasks` and no `decontaminate.references`: nothing to look for")
    found = measure(engine, search, corpus)
    corpus.record("contamination", "contamination", found.folder)
    return found


def tables(report: Mapping[str, Any]) -> tuple[Table, ...]:
    """Return what a report says as tables: the counts, and the items found; none where nothing was looked for."""
    found = (_counts(report), _similar_counts(report), _matches(report), _similar(report))
    return tuple(table for table in found if table.rows)


def _by_set(report: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, int], int]]:
    """Give variant, set, its counts, and the variant's documents."""
    for variant, found in report["variants"].items():
        for name, counts in found["sets"].items():
            yield variant, name, counts, found["documents"]


def _counts(report: Mapping[str, Any]) -> Table:
    rows = []
    for variant, name, counts, documents in _by_set(report):
        size = report["sets"][name]
        known = (size["items"], size["too_short"], counts["items_touched"], counts["items_found"])
        rows.append((variant, name, *known, counts["documents_contaminated"], documents))
    share = f"{report['max_share']:.0%}"
    return Table(
        caption="Items of tasks, and the training documents that they are in",
        columns=("Data", "Task", "Items", "Too short", "Touched", "Found", "In documents", "Of documents"),
        rows=tuple(rows),
        note=f"Found: a document has more than {share} of the item's distinct {report['ngram']}-grams, or the whole of "
        f"a shorter item; touched: it has any. Too short: under {report['min_words']} words, so not looked for.",
    )


def _similar_counts(report: Mapping[str, Any]) -> Table:
    rows = [
        (variant, name, counts["items_similar"], counts["documents_similar"], documents)
        for variant, name, counts, documents in _by_set(report)
        if "items_similar" in counts
    ]
    bound = report.get("max_similarity", 0)
    return Table(
        caption="Items of tasks that a whole training document is a near-duplicate of",
        columns=("Data", "Task", "Items", "Documents", "Of documents"),
        rows=tuple(rows),
        note=f"Near-duplicates: of Jaccard similarity above {bound:g}, estimated by MinHash.",
    )


def _matches(report: Mapping[str, Any]) -> Table:
    return Table(
        caption="Items of which a training document has most",
        columns=("Data", "Task", "Overlap, %", "Documents", "Item", "The document with most of it"),
        rows=tuple(_listed(report, "ngrams")),
    )


def _similar(report: Mapping[str, Any]) -> Table:
    return Table(
        caption="Items and their nearest training documents",
        columns=("Data", "Task", "Similarity, %", "Documents", "Item", "The most similar document"),
        rows=tuple(_listed(report, "minhash")),
    )


def _listed(report: Mapping[str, Any], method: str) -> Iterator[tuple[Cell, ...]]:
    """Give the rows of the items that one method found, those first of which a document has most."""
    listed: Counter[tuple[str, str]] = Counter()
    for match in report["matches"]:
        kind = match["variant"], match["set"]
        if match["method"] != method or listed[kind] >= (LISTED if match["contaminated"] else TOUCHED):
            continue
        listed[kind] += 1
        share = Interval(value=100 * match["share"], digits=0)
        yield *kind, share, match["documents"], _shortened(match["text"]), match["id"]


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def warnings(report: Mapping[str, Any] | None) -> list[str]:
    """Say for each variant how many items of a task its training text holds, where there are any; None: not looked."""
    if report is None:
        return ["the recipe has no tasks and no references: no evaluation items were looked for in the training text"]
    said = []
    for variant, name, counts, _ in _by_set(report):
        items = f"of {report['sets'][name]['items']:,} items of {name}"
        if counts["items_found"]:
            where = f"in its training text, in {counts['documents_contaminated']:,} documents"
            said.append(f"variant {variant}: {counts['items_found']:,} {items} are {where}")
        if counts.get("items_similar"):
            where = f"near-duplicates in its training text, {counts['documents_similar']:,} documents"
            said.append(f"variant {variant}: {counts['items_similar']:,} {items} have {where}")
    return said


def write_page(path: str, title: str, report: Mapping[str, Any]) -> None:
    """Write the report to one self-contained HTML file.

    Raises:
        MissingExtra: a package of the extra `report` is not installed.
    """
    summary = "Which evaluation items the documents hold that models are trained on, by data variant."
    write_report(path, ReportData(title=title, summary=summary, contamination=tables(report)))
