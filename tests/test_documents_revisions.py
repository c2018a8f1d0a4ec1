"""Revisions: the texts that were written come back, whatever changed and however it is read."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.documents import read_split, revisions, write_parquet
from corpuskit.documents.schema import SCHEMA, make_key
from corpuskit.errors import CorruptArtifact

PART = "part-0000000"
lines = st.lists(st.sampled_from(["", "a b", "x", "长文", "the same line"]) | st.text(max_size=8), max_size=6)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and what is left of it: the same, some of its lines, or something else."""
    old = draw(lines)
    kind = draw(st.sampled_from(["same", "lines", "other"]))
    if kind == "lines":
        return "\n".join(old), "\n".join(line for line in old if draw(st.booleans()))
    return "\n".join(old), "\n".join(old) if kind == "same" else draw(st.text(max_size=20))


def documents(texts: list[str]) -> pa.RecordBatch:
    rows = len(texts)
    columns = {
        "key": [make_key("s", str(row)) for row in range(rows)],
        "id": [str(row) for row in range(rows)],
        "text": texts,
        "url": [None] * rows,
        "source": ["s"] * rows,
        "timestamp": [None] * rows,
        "heldout": [False] * rows,
        "metadata": [None] * rows,
    }
    return pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def revised(folder: str, old: list[str], new: list[str], step: int) -> str:
    """Write documents and a revision of them; return the revision's folder."""
    base, revision = f"{folder}/documents-1", f"{folder}/revisions/clean-2"
    if not Path(base).exists():
        write_parquet(f"{base}/{PART}.parquet", [documents(old)])
    before, after = pa.array(old, pa.large_string()), pa.array(new, pa.large_string())
    starts = range(0, len(old), step)
    changed = [revisions.changes(before.slice(start, step), after.slice(start, step), start) for start in starts]
    revisions.write(revision, PART, base, changed)
    return revision


def texts_of(folder: str, batch_rows: int | None = None) -> list[str]:
    batches = read_split(folder, PART, ["id", "text"], batch_rows)
    return [text for batch in batches for text in batch.column("text").to_pylist()]


@settings(max_examples=150, deadline=None)
@given(st.lists(edits(), min_size=1, max_size=30), st.integers(1, 8), st.integers(1, 8))
def test_a_revision_gives_the_new_texts(pairs: list[tuple[str, str]], step: int, batch_rows: int) -> None:
    old, new = [before for before, _ in pairs], [after for _, after in pairs]
    with tempfile.TemporaryDirectory() as folder:
        assert texts_of(revised(folder, old, new, step), batch_rows) == new


@settings(max_examples=50, deadline=None)
@given(st.lists(edits(), min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_a_revision_of_a_revision(pairs: list[tuple[str, str]], random: object) -> None:
    old, new = [before for before, _ in pairs], [after for _, after in pairs]
    last = [text.upper() for text in new]
    with tempfile.TemporaryDirectory() as folder:
        first = revised(folder, old, new, 3)
        second = f"{folder}/revisions/own-3"
        changed = revisions.changes(pa.array(new, pa.large_string()), pa.array(last, pa.large_string()), 0)
        revisions.write(second, PART, first, [changed])
        assert texts_of(second) == last


def test_only_changed_rows_are_stored_and_cut_lines_as_ranges(tmp_path: Path) -> None:
    old = ["keep\n" * 50 + "cut\n" + "keep", "same", "new words"]
    new = ["keep\n" * 50 + "keep", "same", "other words"]
    changed = revisions.changes(pa.array(old, pa.large_string()), pa.array(new, pa.large_string()), 10)
    assert changed.to_pylist() == [
        {"row": 10, "cuts": [250, 254], "text": None},
        {"row": 12, "cuts": None, "text": "other words"},
    ]


def test_other_columns_are_the_base_s_and_need_no_text(tmp_path: Path) -> None:
    folder = revised(str(tmp_path), ["a", "b"], ["a!", "b"], 2)
    (batch,) = read_split(folder, PART, ["id", "source"])
    assert batch.to_pydict() == {"id": ["0", "1"], "source": ["s", "s"]}


def test_a_corpus_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    revised(str(tmp_path / "here"), ["a", "b"], ["a!", "b"], 2)
    (tmp_path / "here").rename(tmp_path / "there")
    assert texts_of(str(tmp_path / "there" / "revisions" / "clean-2")) == ["a!", "b"]


def test_a_missing_base_is_named(tmp_path: Path) -> None:
    folder = revised(str(tmp_path), ["a"], ["b"], 1)
    (tmp_path / "documents-1" / f"{PART}.parquet").unlink()
    with pytest.raises(CorruptArtifact, match="documents-1"):
        texts_of(folder)


@pytest.mark.parametrize("root", ["out", "/data/out", "s3://bucket/out", "memory://out"])
def test_links_survive_on_every_kind_of_path(root: str) -> None:
    link = revisions.base_link(f"{root}/revisions/clean-2", f"{root}/documents-1")
    assert link == b"../../documents-1"
    assert revisions.base_folder(f"{root}/revisions/clean-2", link) == f"{root}/documents-1"
