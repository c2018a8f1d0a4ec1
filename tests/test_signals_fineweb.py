"""FineWeb's signals, against slow obvious Python and datatrove."""

import numpy as np
import pyarrow as pa
import pytest
from cleaning import gold_articles, needs_data, real
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.signals.fineweb import FINEWEB_DATATROVE, measure, terminal_marks
from corpuskit.signals.group import WordsConfig

MARKS = {chr(code) for code in np.flatnonzero(terminal_marks())}


def values(pages: list[str], words: str = "whitespace") -> list[dict[str, float | None]]:
    texts = Texts.from_arrow(pa.array(["end.\nend.", *pages, "\nx"], pa.large_string()).slice(1, len(pages)))
    found = measure(texts, WordsConfig(words=words))
    assert list(found) == list(FINEWEB_DATATROVE.signals)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    columns = {name: pa.array(value, from_pandas=True).to_pylist() for name, value in found.items()}
    return [{name: column[row] for name, column in columns.items()} for row in range(len(pages))]


def divided(numerator: int, denominator: int) -> float | None:
    return float(np.float32(numerator / denominator)) if denominator else None


def slowly(page: str) -> dict[str, float | None]:
    lines = [line for line in page.split("\n") if line.strip()]
    if not lines:
        return dict.fromkeys(FINEWEB_DATATROVE.signals)
    repeated = [line for place, line in enumerate(lines) if line in lines[:place]]
    return {
        "end_mark_lines": divided(sum(line[-1] in MARKS for line in lines), len(lines)),
        "short_lines": divided(sum(len(line) <= 30 for line in lines), len(lines)),
        "duplicate_line_characters": divided(sum(map(len, repeated)), len(page.replace("\n", ""))),
        "newlines_per_word": divided(page.count("\n"), len(page.split())),
    }


PIECES = st.sampled_from(
    ["\n", "\n\n", " ", "\r", "\u2028", "\u3000", "\0", "\nsame line.\n", "\nsame line. \n"]
) | st.sampled_from([".", "!", "。", "𑅃", "”", "…", "x", "x" * 30, "é" * 31, "a b", "你好", "\n"])
PAGES = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60)


@given(st.lists(PAGES, max_size=5))
@example(["", "\n", " \n\u3000", "x\n", "x" * 30, "x" * 31, "end. ", "end.\r", 'he said "x."', "a\n\n\na\nb\na"])
@settings(deadline=None)
def test_fineweb_signals(pages: list[str]) -> None:
    assert values(pages) == [slowly(page) for page in pages]


def test_words_are_of_the_kind_that_the_config_names() -> None:
    page = "one-two three\nfour…"
    by_kind = {kind: values([page], kind)[0]["newlines_per_word"] for kind in ("whitespace", "unicode")}
    assert by_kind == {"whitespace": divided(1, 3), "unicode": divided(1, 4)}
    assert values(["…\n…"], "unicode")[0]["newlines_per_word"] is None
    assert values(["…\n…"], "unicode")[0]["short_lines"] == 1


def test_terminal_marks_are_those_of_datatrove() -> None:
    text = pytest.importorskip("datatrove.utils.text")
    assert set(text.TERMINAL_PUNCTUATION) == MARKS


@pytest.mark.parametrize(
    ("page", "name", "kept"),
    [  # what FineWebQualityFilter says with this rule alone
        ("x" * 30, "short_lines", False),
        ("x" * 31, "short_lines", True),
        ("end.\n" + "no end\n" * 8, "end_mark_lines", False),
        ("end.\n" + "no end\n" * 7, "end_mark_lines", True),
        ("end. \n" * 3, "end_mark_lines", False),
        ("x" * 99 + "\na\na", "duplicate_line_characters", True),
        ("x" * 97 + "\na\na", "duplicate_line_characters", False),
        ("a b c\nd e f\ng h i j\nk", "newlines_per_word", True),
        ("a b c\nd e f\ng h\n\nk", "newlines_per_word", False),
    ],
)
def test_fineweb_thresholds(page: str, name: str, kept: bool) -> None:
    value = np.float32(values([page])[0][name])
    bounds = {"short_lines": 0.67, "duplicate_line_characters": 0.01, "newlines_per_word": 0.3}
    assert kept == (value >= np.float32(0.12) if name == "end_mark_lines" else value <= np.float32(bounds[name]))


@needs_data
def test_fineweb_decides_as_datatrove_where_both_count_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    filters = pytest.importorskip("datatrove.pipeline.filters.fineweb_quality_filter")
    document = pytest.importorskip("datatrove.data").Document
    monkeypatch.setattr(filters, "split_into_words", lambda text, _: text.split())
    peer = filters.FineWebQualityFilter()
    articles = gold_articles() + real("text/zh_modern/zh_modern.jsonl.zst")[:300]
    pages = articles + [page[start : start + 300] for page in articles[:200] for start in range(0, len(page), 300)]
    for page, value in zip(pages, values(pages), strict=True):
        reasons = {
            "empty": value["short_lines"] is None,
            "line_punct_ratio": np.float32(value["end_mark_lines"] or 0) < np.float32(0.12),
            "short_line_ratio": np.float32(value["short_lines"] or 0) > np.float32(0.67),
            "char_dup_ratio": np.float32(value["duplicate_line_characters"] or 0) > np.float32(0.01),
            "list_ratio": np.float32(value["newlines_per_word"] or 0) > np.float32(0.3),
        }
        verdict = peer.filter(document(text=page, id="0"))
        assert next((reason for reason, fails in reasons.items() if fails), None) == (
            None if verdict is True else verdict[1]
        )


def test_fineweb_signals_of_huge_texts() -> None:
    numbers = np.random.default_rng(0).integers(0, 2000, 4000)
    pages = ["\n".join(map(str, numbers)), "\n" * 5000, "a\n" * 5000, "word " * 50_000, "你" * 100_000 + "。"]
    assert values(pages) == [slowly(page) for page in pages]
