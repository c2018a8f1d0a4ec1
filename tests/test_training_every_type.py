"""What holds for trainers of every type: the same files in every run, and common words whole."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from cli_harness import call
from engine_harness import snapshot

from corpuskit.tokenization import TokenizerConfig, train
from corpuskit.workflow.tokenizers import documentation

KINDS = {
    "bpe": ("--type", "bpe"),
    "bpe, SentencePiece's order": ("--type", "bpe", "--set", "order=sentencepiece"),
    "wordpiece": ("--type", "wordpiece"),
    "wordpiece by likelihood": ("--type", "wordpiece", "--set", "score=likelihood"),
    "unigram": ("--type", "unigram"),
}
WRITTEN = re.compile(r"^(tokenizer\.(json|model)|tokenizer_config\.json|training\.json|counts/.*\.arrow)$")
"""What a run writes but its manifests, which say when and how fast."""
PLANTED = "zqxjkvw"
TIMES = 40_000


@pytest.fixture(scope="module")
def texts() -> list[str]:
    found: list[str] = documentation(600_000).to_pylist()
    assert not any(PLANTED in text for text in found)
    return found


@pytest.fixture
def all_cores() -> Iterator[set[int]]:
    """The cores that this process may use, and again afterwards."""
    before = os.sched_getaffinity(0)
    yield before
    os.sched_setaffinity(0, before)


@pytest.mark.parametrize("kind", KINDS)
def test_six_runs_give_the_same_files(tmp_path: Path, texts: list[str], all_cores: set[int], kind: str) -> None:
    """On one core and on all of them: counting and training take as many threads as there are cores."""
    lines = [orjson.dumps({"id": str(number), "text": text}) for number, text in enumerate(texts)]
    (tmp_path / "texts.jsonl").write_bytes(b"\n".join(lines))
    found = []
    for run in range(6):
        os.sched_setaffinity(0, all_cores if run % 2 else {min(all_cores)})
        out = tmp_path / str(run)
        ended = call(
            "tokenizer", "train", tmp_path / "texts.jsonl", *KINDS[kind], "-v", 1500, "--out", out, "--workers", "0"
        )
        assert ended.code == 0, ended.err
        found.append({name: data for name, data in snapshot(out).items() if WRITTEN.search(name)})
    assert len(found[0]) > 3
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize("fields", [{"type": "bpe"}, {"type": "wordpiece"}, {"type": "unigram"}], ids=str)
def test_a_common_word_is_one_token(texts: list[str], fields: dict[str, str]) -> None:
    """It is in no other word, so nothing but its number speaks for it."""
    parts = [f" {PLANTED}" * (TIMES // 40) for _ in range(40)]
    config = TokenizerConfig.model_validate({**fields, "vocab_size": 4000})
    tokenizer = train(config, [pa.array([*texts, *parts], pa.large_string())])
    ids = tokenizer.encode(pa.array([f"the {PLANTED} is"]))[0].as_py()
    assert f" {PLANTED}".encode() in [tokenizer.tokens()[number] for number in ids]
