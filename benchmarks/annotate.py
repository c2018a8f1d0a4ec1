"""`corpuskit annotate` from compressed JSONL to sidecars, start-up included, on one core."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import commands
from benchmarks.data import corpora
from benchmarks.row import Row, megabytes

TITLE = "Documents and quality signals of a corpus, one core, the whole command"
COPIES = 24
"""Of each file, 0.9 to 1.6 GB of text: what a command takes to start (3 s) counts less, the more it reads."""
GROUPS = "gopher,c4,fineweb@datatrove"


def measure() -> Iterator[Row]:
    """Yield what `annotate` does with each corpus, first and once it is in memory of the system."""
    with tempfile.TemporaryDirectory() as folder:
        for corpus in corpora("imdb_unsup", "eltec_eng", "zh_modern"):
            for copy in range(COPIES):
                shutil.copy(corpus.path, Path(folder, f"{corpus.name}-{copy}.jsonl.zst"))
            inputs = [str(path) for path in sorted(Path(folder).glob(f"{corpus.name}-*.zst"))]
            yield _annotated(corpus.name, COPIES * corpus.size, inputs, Path(folder, "out"))


def _annotated(name: str, size: int, inputs: list[str], out: Path) -> Row:
    options = ["--signals", GROUPS, "--workers", "1", "--out", str(out), "--quiet"]
    ran = [commands.corpuskit("annotate", *inputs, *options, cores="0")]
    shutil.rmtree(out)
    ran.append(commands.corpuskit("annotate", *inputs, *options, cores="0"))
    shutil.rmtree(out)
    seconds = min(run.seconds for run in ran)
    return Row(
        task=f"`corpuskit annotate --signals {GROUPS}`, {COPIES} copies",
        text=name,
        rate=megabytes(size, seconds),
        memory=max(run.memory for run in ran),
        note=f"{name}: {min(run.cpu for run in ran):.1f} s of processor time, {seconds:.1f} s by the clock.",
    )
