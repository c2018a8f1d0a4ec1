"""Digests of what each data step decides about `golden/corpus.jsonl`, kept beside the steps' revisions.

Run `python tests/golden_digests.py --write` after raising the revision of a step whose output has changed on purpose.
What is hashed is content (rows, signals, verdicts, token ids), not files, whose bytes depend on library versions.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pipelines_harness import Plainly, digest, documents, errors, run_plainly, shards, sidecar
from pydantic import TypeAdapter

from corpuskit import extract, manifest, signals, tokenization
from corpuskit.clean import CLEANERS, ContaminationCleanerConfig
from corpuskit.contamination import ContaminationConfig, ReferenceConfig
from corpuskit.dedup import store
from corpuskit.dedup.inside import AnyCut, CutConfig, TextReference, evidence
from corpuskit.documents import SourceConfig
from corpuskit.kernels import Texts
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.signals import SIGNALS
from corpuskit.tokenization.counts import files
from corpuskit.urls import REVISION as URLS_REVISION
from corpuskit.urls import normalize_urls
from corpuskit.workflow.flow import Flow
from pipelines import counting, cut, dedup, encode, ingest, select, signatures, tokenize, train_tokenizer

HERE = Path(__file__).parent
CORPUS = HERE / "golden" / "corpus.jsonl"
MESSY = HERE / "golden" / "messy.jsonl"
NAMED = {
    "word_list": signals.WordListConfig(lists={"golden": str(HERE / "golden" / "phrases.txt")}),
    "contamination": ContaminationConfig(
        sets={"golden": ReferenceConfig(files=(str(HERE / "golden" / "messy.jsonl"),))}, ngram=5, minhash=True
    ),
}
"""Settings of groups whose signals a recipe names; `classifier` has golden buckets of its own."""
ITEMS = ReferenceConfig(files=(str(HERE / "golden" / "items.txt"),))
CUT = {"contamination": ContaminationCleanerConfig(sets={"golden": ITEMS})}
"""Settings of cleaners that change nothing by default."""
FILES = {
    "sign": (signatures, "signatures.py"),
    "dedup": (dedup, "dedup/step.py"),
    "cut": (cut, "cut/step.py"),
    "count": (counting, "counting/step.py"),
}
"""Steps whose module is not named after them."""
CUTS: Sequence[dict[str, Any]] = (
    {"step": "repeated_lines", "min_words": 1, "min_characters": 1},
    {"step": "repeated_lines", "min_words": 1, "min_characters": 1, "against": ["first", "heldout"], "own": False},
    {"step": "repeated_lines", "min_words": 1, "min_characters": 1, "keep": "none", "over": 1},
    {"step": "repeated_paragraphs", "min_words": 1, "normalize": False},
    {"step": "repeated_spans", "sentences": 1, "min_words": 1},
    {"step": "repeated_substrings", "tokens": 5},
    {"step": "repeated_substrings", "tokens": 5, "against": ["first"]},
)
"""`cut` steps; `first` is the first split of the corpus itself."""
GOLDEN = HERE / "golden" / "pipelines.json"
COMMAND = "python tests/golden_digests.py --write"
LIBRARY_STEPS = (
    "count",
    "train_tokenizer",
    "encode",
    "tokenize",
    "extract",
    "clean.mojibake",
    "annotate.language",
    "annotate.url",
)
"""Steps whose content depends on the versions of libraries: trainers, extractors, models and lists."""


@dataclass(frozen=True)
class Step:
    """A step's revision, where that number stands, and the digest of what the step decides."""

    revision: int
    where: str
    digest: str
    libraries: dict[str, str]

    def plain(self) -> dict[str, Any]:
        return {"revision": self.revision, "digest": self.digest, "libraries": self.libraries}


def golden_recipe() -> Recipe:
    rules = [
        {"signal": "length.words", "min": 10},
        {"signal": "gopher.mean_word_length", "max": 40},
        {"signal": "composition.unique_words", "min": 0.2},
    ]
    return build(
        {
            "name": "golden",
            "sources": [{"name": "golden", "paths": [str(CORPUS)]}],
            "split_bytes": 2500,
            "max_error_rate": 0.5,
            "heldout": {"share": 0.2},
            "dedup": {},
            "variants": {"raw": {}, "filtered": {"deduplicate": True, "policy": {"rules": rules}}},
            "tokenizers": {
                "bpe": {"type": "bpe", "vocab_size": 500, "train_on": "raw", "max_train_bytes": 3000},
                "unigram": {"type": "unigram", "vocab_size": 520, "train_on": "filtered"},
            },
        }
    )


def current(folder: Path) -> dict[str, Step]:
    """Run every step; return them in the order of the flow."""
    flow = run_plainly(golden_recipe(), folder / "out")
    source = SourceConfig(name="golden", paths=(str(CORPUS),))
    Plainly().run(
        tokenize.step(
            source, flow.tokenizers["bpe"].folder, str(folder / "direct"), split_bytes=2**20, max_error_rate=0.5
        )
    )
    rows = flow.documents.folder
    cuts = [run_cut(flow, number, fields) for number, fields in enumerate(CUTS, 1)]
    content = {
        "ingest": [documents(rows), [error[:3] for error in errors(rows)]],
        **{f"annotate.{group}": sidecar(place.folder, rows) for group, place in flow.signals.items()},
        "sign": signed(flow.signatures[""].folder),
        "dedup": sidecar(flow.duplicates[""].folder, rows),
        "select": [sidecar(place.folder, rows) for place in flow.variants.values()],
        "cut": [left for place in cuts for left in cut_texts(place.folder)],
        "count": [counted(place.folder) for place in flow.counts.values()],
        "train_tokenizer": [tokenization.load(place.folder).tokens() for place in flow.tokenizers.values()],
        "encode": [shards(place.folder) for place in flow.shards.values()],
        "tokenize": [shards(str(folder / "direct")), [error[:3] for error in errors(str(folder / "direct"))]],
    }
    folders = _folders(flow, folder) | {"cut": [place.folder for place in cuts]}
    data = {
        name: Step(*_revision(name), digest=digest(content[name]), libraries=_libraries(folders[name]))
        for name in content
    }
    return data | single_steps(flow.signals)


def run_cut(flow: Flow, number: int, fields: dict[str, Any]) -> manifest.Target:
    """Run one `cut` step on a variant that the recipe leaves whole."""
    config: AnyCut = TypeAdapter(CutConfig).validate_python(fields)
    folder, variant = flow.documents.folder, flow.variants["raw"]
    made = manifest.read(folder)
    first = [TextReference("first", folder, made.fingerprint, made.parts[:1])] if "first" in config.against else []
    place = cut.target(number, variant, config, flow.documents, flow.out, first)
    Plainly().run(cut.step(place, config, folder, variant.folder, references=first))
    return place


def cut_texts(folder: str) -> list[Any]:
    """What a `cut` step left of each text, and the documents that it names."""
    named = [
        evidence.read(folder, part["name"], row).to_pylist()
        for part in manifest.read(folder).parts
        for row in range(part["rows"])
    ]
    return [[row["text"] for row in documents(folder)], named]


def signed(folder: str) -> list[Any]:
    """What documents are compared by."""
    parts = manifest.read(folder, "signatures").parts
    return [row for part in parts for batch in store.read(folder, part["name"]) for row in batch.to_pylist()]


def counted(folder: str) -> list[Any]:
    """Words and how often each occurs, by group."""
    groups = files.read_folder(folder).items()
    return [[group, found.words.to_pylist(), found.counts.tolist()] for group, found in groups]


def single_steps(measured: Collection[str]) -> dict[str, Step]:
    """Run what the recipe does not, each by itself, on `golden/messy.jsonl` and `golden/page.html`.

    Args:
        measured: the signal groups of the recipe.
    """
    rows = [json.loads(line) for line in MESSY.read_text().splitlines()]
    texts = pa.array([row["text"] for row in rows], pa.large_string())
    columns = {"text": Texts.from_arrow(texts), "url": Texts.from_arrow(pa.array([row.get("url") for row in rows]))}
    found = {}
    for name, cleaner in CLEANERS.items():
        cleaned, counts = cleaner.clean(texts, CUT.get(name) or cleaner.config())
        content = [cleaned.to_pylist(), {count: values.tolist() for count, values in counts.items()}]
        found[f"clean.{name}"] = _web_step(content, cleaner.revision, f"corpuskit.clean: {name}", cleaner.libraries)
    for group in SIGNALS.values():
        if group.name not in measured and group.columns(NAMED.get(group.name)):
            content = signals.compute([group.name], columns, NAMED).to_pylist()
            where = f"corpuskit.signals: {group.name}"
            found[f"annotate.{group.name}"] = _web_step(content, group.revision, where, group.libraries)
    page = extract.extract_page((HERE / "golden" / "page.html").read_bytes())
    found["extract"] = _web_step(list(page), extract.REVISION, "corpuskit.extract", extract.LIBRARIES)
    urls = [normalize_urls(pa.array([row.get("url") for row in rows])).to_pylist()]
    found["urls"] = _web_step(urls, URLS_REVISION, "corpuskit.urls", ())
    return found


def _web_step(content: Any, revision: int, owner: str, libraries: Sequence[str]) -> Step:
    versions = {"machine": platform.machine(), **manifest.library_versions(libraries)}
    return Step(revision, f"the revision in {owner}", digest(content), dict(sorted(versions.items())))


def _revision(step: str) -> tuple[int, str]:
    if step.startswith("annotate."):
        group = step.removeprefix("annotate.")
        return SIGNALS[group].revision, f"`revision` in corpuskit/signals/{group}.py"
    if step in FILES:
        module, file = FILES[step]
        return module.REVISION, f"REVISION in pipelines/{file}"
    modules = (ingest, select, train_tokenizer, encode, tokenize)
    module = next(module for module in modules if module.__name__ == f"pipelines.{step}")
    return module.REVISION, f"REVISION in pipelines/{step}.py"


def _folders(flow: Flow, folder: Path) -> dict[str, list[str]]:
    return {
        "ingest": [flow.documents.folder],
        **{f"annotate.{group}": [place.folder] for group, place in flow.signals.items()},
        "sign": [flow.signatures[""].folder],
        "dedup": [flow.duplicates[""].folder],
        "select": [place.folder for place in flow.variants.values()],
        "count": [place.folder for place in flow.counts.values()],
        "train_tokenizer": [place.folder for place in flow.tokenizers.values()],
        "encode": [place.folder for place in flow.shards.values()],
        "tokenize": [str(folder / "direct")],
    }


def _libraries(folders: list[str]) -> dict[str, str]:
    """The versions that the step's own identity names, and the kind of processor."""
    found = {"machine": platform.machine()}
    for folder in folders:
        found |= manifest.read(folder).identity["libraries"]
    return dict(sorted(found.items()))


def problems(golden: dict[str, Any], now: dict[str, Step]) -> list[str]:
    """Say what is wrong, a sentence a step; a step that follows a revised one may change without a revision."""
    found, revised = [], False
    for name, step in now.items():
        before = golden.get(name, {"revision": None, "digest": None, "libraries": {}})
        if step.revision != before["revision"]:
            revised = True
            found.append(f"{name}: the digest was written for revision {before['revision']}, now it is {step.revision}")
        elif step.digest != before["digest"] and not _is_excused(name, step, before):
            hint = (
                "a step before it was revised" if revised else f"its revision is still {step.revision} ({step.where})"
            )
            found.append(f"{name}: what it writes has changed, and {hint}")
    return found + [f"{name}: there is no such step any more" for name in golden if name not in now]


def _is_excused(name: str, step: Step, before: dict[str, Any]) -> bool:
    """Nothing is promised about tokenizers under other libraries or processors (trainers add up floats)."""
    return name in LIBRARY_STEPS and step.libraries != before["libraries"]


def unrevised(golden: dict[str, Any], now: dict[str, Step]) -> list[str]:
    """What keeps new digests from being written: changes without a revision."""
    return [problem for problem in problems(golden, now) if "its revision is still" in problem]


def read_golden() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the data steps with their golden digests.")
    parser.add_argument("--write", action="store_true", help="write the digests of steps whose revision was raised")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="corpuskit-golden-") as folder:
        now = current(Path(folder))
    golden = read_golden()
    found = unrevised(golden, now) if chosen.write and golden else problems(golden, now)
    if not chosen.write or (golden and found):
        print("\n".join(found) or "every step gives its golden digest")
        return 1 if found else 0
    GOLDEN.write_text(json.dumps({name: step.plain() for name, step in now.items()}, indent=2) + "\n")
    print(f"wrote {GOLDEN.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
