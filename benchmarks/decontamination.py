"""Evaluation items looked for in text, beside datatrove's `NGramsDecontFilter`."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from benchmarks.data import ROOT, corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit import signals
from corpuskit.contamination import ContaminationConfig
from corpuskit.contamination.items import load
from corpuskit.kernels import Texts
from corpuskit.tasks import AgreementConfig, LabelledConfig, OrderConfig, PairsConfig
from pipelines.engine.worker import keep_memory

TITLE = "Evaluation items looked for, one core, text in memory"
BYTES = 32_000_000
PEER_BYTES = 500_000
CORPORA = ("imdb_unsup", "eltec_eng", "zh_modern")
SCRIPT = Path(__file__).with_name("decontamination_peer.py")


def measure() -> Iterator[Row]:
    """Yield 13-grams alone, with shorter items, and with near-duplicates; the first beside the peer."""
    keep_memory()  # as the workers of a pipeline do
    sets = _sets()
    long = ContaminationConfig(sets=sets, min_words=13)
    items = [text for texts in load(long).values() for text in texts]
    for corpus in corpora(*CORPORA):
        texts = corpus.texts(BYTES)
        yield _row("13-grams", corpus.name, texts, long, _peer(items, corpus.texts(PEER_BYTES)), len(items))
        yield _row("and shorter items whole", corpus.name, texts, ContaminationConfig(sets=sets))
        yield _row("and near-duplicates", corpus.name, texts, ContaminationConfig(sets=sets, minhash=True))


def _sets() -> dict[str, Any]:
    """Return tasks: SST-2, AG News and BLiMP where they are, else generated pairs."""
    tasks = Path(ROOT, "tasks")
    if not ROOT or not tasks.is_dir():
        return {"agreement": AgreementConfig(pairs=2000), "order": OrderConfig(pairs=2000)}
    sst2, news = tasks / "sst2", tasks / "ag_news"
    return {
        "sst2": LabelledConfig(
            train=str(sst2 / "stsa.binary.train"), test=str(sst2 / "stsa.binary.test"), format="label_first"
        ),
        "ag_news": LabelledConfig(train=str(news / "dev.csv"), test=str(news / "test.csv"), text=1, label=0),
        "blimp": PairsConfig(files=(str(tasks / "blimp" / "blimp.tar.zst"),)),
    }


def _row(
    task: str,
    name: str,
    texts: pa.LargeStringArray,
    config: ContaminationConfig,
    peer: tuple[str, float] | None = None,
    n_items: int = 0,
) -> Row:
    measured = partial(_compute, texts, config)
    _compute(texts.slice(0, 1), config)  # compile, and make the table
    ours = best(measured, 5)
    note = f"Items: {n_items:,}, the scored ones of {', '.join(config.sets)}; reading them is no part of a rate."
    return Row(
        task=task,
        text=name,
        rate=megabytes(size_of(texts), ours.seconds),
        memory=ours.memory,
        peer=peer[0] if peer else "",
        peer_rate=peer[1] if peer else None,
        note=note if n_items else "",
    )


def _compute(texts: pa.LargeStringArray, config: ContaminationConfig) -> pa.RecordBatch:
    return signals.compute(["contamination"], Texts.from_arrow(texts), {"contamination": config})


def _peer(items: Sequence[str], texts: pa.LargeStringArray) -> tuple[str, float] | None:
    """Return datatrove's name and rate; None where it is not installed."""
    if importlib.util.find_spec("datatrove") is None:
        return None
    done = subprocess.run(
        [sys.executable, "-P", SCRIPT],
        input=orjson.dumps({"items": list(items), "texts": texts.to_pylist()}),
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        check=True,
    )
    found = orjson.loads(done.stdout)
    return f"datatrove {found['version']}, NGramsDecontFilter", megabytes(size_of(texts), found["seconds"])
