"""Time and memory of `corpuskit dedup` by the number of documents: `python -m benchmarks.growth 0.1 1 10`.

Documents are made up: about 60 words each, a fifth of them copies of others, in other files, with one to four words
exchanged. Numbers are millions of documents. `docs/dedup-growth.svg` shows what came out.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson
import zstandard

from benchmarks import planted
from benchmarks.commands import corpuskit

PER_FILE = 250_000
COPIES = 5
"""One document in so many is a copy."""
MOST_CHANGES = 4
MEMORY = "2GB"
WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Grown:
    """One run."""

    documents: int
    text: int
    """Bytes of all texts."""
    seconds: float
    cpu: float
    resident: int
    """Largest resident memory of all processes at one moment, in bytes."""
    proportional: int
    """The same, with pages that several processes have in common counted once."""
    private: int
    """The part of that which belongs to no file: what the machine must have."""
    clustered: int
    """Documents that are in a cluster."""


def write_corpus(folder: Path, documents: int) -> int:
    """Write JSONL.zst files; return the bytes of all texts."""
    folder.mkdir(parents=True, exist_ok=True)
    files = -(-documents // PER_FILE)
    size = 0
    for number in range(files):
        rows = min(PER_FILE, documents - number * PER_FILE)
        texts = _file_texts(number, files, rows)
        size += sum(map(len, texts))
        lines = (orjson.dumps({"id": f"{number}-{row}", "text": text}) for row, text in enumerate(texts))
        compressor = zstandard.ZstdCompressor(level=3)
        (folder / f"{number:04d}.jsonl.zst").write_bytes(compressor.compress(b"\n".join(lines) + b"\n"))
    return size


def _file_texts(number: int, files: int, rows: int) -> list[str]:
    """Return a file's texts: own ones first, then copies of those with which the next file begins."""
    copies = rows // COPIES
    rng = np.random.default_rng([number, files])
    others = planted.texts(rows - copies, (number + 1) % files)[:copies]
    changes = rng.integers(1, MOST_CHANGES + 1, copies).tolist()
    edited = [planted.edited(text, count, rng) for text, count in zip(others, changes, strict=True)]
    return [*planted.texts(rows - copies, number), *edited]


def measure(documents: int, folder: Path) -> Grown:
    """Make a corpus and find its duplicates."""
    source, out = folder / "in", folder / "out"
    size = write_corpus(source, documents)
    options = ("-o", str(out), "--workers", str(WORKERS), "--memory", MEMORY, "--quiet", "--json")
    ran = corpuskit("dedup", str(source), *options)
    found = json.loads(next(iter(out.glob("duplicates-*/manifest.json"))).read_text())["extra"]
    return Grown(
        documents=documents,
        text=size,
        seconds=ran.seconds,
        cpu=ran.cpu,
        resident=ran.resident,
        proportional=ran.proportional,
        private=ran.private,
        clustered=found["members"],
    )


def table(runs: list[Grown]) -> str:
    """Return runs as a Markdown table."""
    lines = [
        "| documents | text | time | processor time | documents/s | resident | proportional | private | in clusters |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for run in runs:
        memory = [f"{size / 1e6:,.0f} MB" for size in (run.resident, run.proportional, run.private)]
        cells = [f"{run.documents:,}", f"{run.text / 1e6:,.0f} MB", f"{run.seconds:.0f} s", f"{run.cpu:.0f} s"]
        cells += [f"{run.documents / run.seconds:,.0f}", *memory, f"{run.clustered:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(runs: list[Grown], path: Path) -> None:
    """Draw time and memory by the number of documents."""
    import altair
    import vl_convert

    x = (
        altair.X("documents:Q", title="documents")
        .scale(type="log")
        .axis(format="~s", grid=False, values=[run.documents for run in runs])
    )
    times = [{"documents": run.documents, "value": run.seconds, "what": "time"} for run in runs]
    times += [{"documents": run.documents, "value": run.cpu, "what": "processor time"} for run in runs]
    sizes = [
        {"documents": run.documents, "value": getattr(run, name) / 1e6, "what": name}
        for run in runs
        for name in ("resident", "proportional", "private")
    ]
    color = altair.Color("what:N", title=None).legend(orient="bottom")
    time = altair.Chart(altair.Data(values=times), title="seconds").mark_line(point=True)
    memory = altair.Chart(altair.Data(values=sizes), title="memory of all processes, MB").mark_line(point=True)
    panels = (
        time.encode(x, altair.Y("value:Q", title=None).scale(type="log").axis(format="~s", tickCount=4), color),
        memory.encode(x, altair.Y("value:Q", title=None).scale(domain=[0, 2000]), color),
    )
    chart = altair.hconcat(*(panel.properties(width=300, height=200) for panel in panels), background="white")
    path.write_text(vl_convert.vegalite_to_svg(chart.resolve_scale(color="independent").to_dict()) + "\n")


def main() -> None:
    """Measure each size that is asked for; print JSON as they come, then a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.splitlines()[0])
    parser.add_argument("millions", nargs="+", type=float, help="millions of documents")
    parser.add_argument("--plot", type=Path, help="SVG file for a chart")
    chosen = parser.parse_args()
    runs = []
    for millions in chosen.millions:
        with tempfile.TemporaryDirectory() as folder:
            runs.append(measure(round(millions * 1e6), Path(folder)))
        print(json.dumps(asdict(runs[-1])), flush=True)
    print(table(runs))
    if chosen.plot:
        plot(runs, chosen.plot)


if __name__ == "__main__":
    main()
