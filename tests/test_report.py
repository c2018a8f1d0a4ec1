"""The page is self-contained, escaped, complete and small; tables as text; sizes; the page of a comparison."""

import dataclasses
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.errors import MissingExtra
from corpuskit.report import (
    Curve,
    Curves,
    Drop,
    Finding,
    FunnelStep,
    Interval,
    Point,
    ReportData,
    Result,
    Table,
    render_table,
    write_report,
)
from corpuskit.report.charts import show_bytes
from corpuskit.report.page import render
from pretrain.compare import Outcome, RunScores, page, runs, summarise

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

EVIL = "<script>alert('x')</script> & \"co\""
VOID = {"meta", "path", "rect", "line", "br", "circle"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def small(name="bpe"):
    point = Point(group=name, row="raw", interval=Interval(value=71.3, low=69.9, high=72.7), values=(70.9, 71.7))
    table = Table(caption="Scores", columns=("Tokenizer", "raw"), rows=((name, point.interval),), note="Note.")
    curve = Curve(group=name, panel="raw", run="0", x=(0.0, 1.0, 2.0), y=(8.0, 4.0, 3.0))
    return ReportData(
        title=f"Title {name}",
        summary=f"Summary {name}",
        findings=(Finding(topic=name, sentence=f"{name} wins.", verdict="decided", details=(name,)),),
        results=(Result(title=name, axis="accuracy", points=(point,), tables=(table,), more=(table,), reference=70),),
        curves=Curves(x_title="MB", y_title=name, curves=(curve,)),
        funnel=(
            FunnelStep(name="read", documents=1000, bytes=5_000_000),
            FunnelStep(name=name, documents=999, bytes=2_500_000, branch=True),
        ),
        drops=(Drop(variant="raw", reason=name, documents=1), Drop(variant="strict", reason="other", documents=7)),
        tokenizers=Table(caption="T", columns=("Name", "Size"), rows=((name, 8192),)),
        notes=(f"Note on {name}.",),
        recipe=f"name: {name}",
        environment={"python": name},
    )


def test_page_holds_every_section_and_loads_nothing(tmp_path):
    path = tmp_path / "out" / "report.html"
    write_report(str(path), small())
    text = path.read_text()
    found = Reader(text)
    for heading in ("answer", "results", "curves", "corpus", "drops", "tokenizers", "notes", "provenance"):
        assert ("id", heading) in found.attributes
    links = [value for name, value in found.attributes if name in ("src", "href", "xlink:href", "data", "action")]
    assert [link for link in links if not link.startswith("#")] == []
    assert not {"script", "link", "iframe", "img"} & set(found.tags)
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert "None" not in found.text


def test_every_text_is_escaped():
    found = Reader(render(small(EVIL)))
    assert "script" not in found.tags
    assert found.text.count(EVIL) >= 10


def test_ids_are_unique_and_references_lead_somewhere():
    text = render(small())
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_charts_have_an_alternative_text_and_follow_the_page_colours():
    text = render(small())
    assert text.count('<svg role="img" aria-label="') == 8  # four charts, two widths
    assert "bpe \N{MIDDLE DOT} raw 71.3 [69.9, 72.7]" in text
    assert "var(--c0)" in text
    assert "prefers-color-scheme: dark" in text


def test_empty_parts_are_left_out():
    found = Reader(render(ReportData(title="Nothing yet")))
    assert "section" not in found.tags
    assert "Nothing yet" in found.text


def test_scores_of_one_seed_are_drawn_without_an_interval():
    point = Point(group="bpe", row="", interval=Interval(value=50.0), values=(50.0,))
    text = render(ReportData(title="t", results=(Result(title="r", axis="a", points=(point,), tables=()),)))
    assert "r: bpe 50.0" in text


def test_many_runs_and_groups_stay_under_2_megabytes():
    x = tuple(np.linspace(0, 100, 1000).tolist())
    curves = tuple(
        Curve(group=f"tokenizer{g}", panel=f"variant{p}", run=f"{s}", x=x, y=tuple(9 - 0.05 * value for value in x))
        for g in range(6)
        for p in range(3)
        for s in range(3)
    )
    text = render(ReportData(title="t", curves=Curves(x_title="MB", y_title="bits per byte", curves=curves)))
    assert len(text.encode()) < 2_000_000


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    for package in ("jinja2", "altair", "vl_convert"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(MissingExtra, match=r"pip install 'corpuskit\[report\]'"):
                render(small())


def test_inconsistent_data_is_refused():
    with pytest.raises(ValueError, match="a row of 1 cells under 2 columns"):
        Table(caption="t", columns=("a", "b"), rows=(("x",),))
    with pytest.raises(ValueError, match="2 x and 1 y values"):
        Curve(group="g", panel="p", run="0", x=(1.0, 2.0), y=(1.0,))
    with pytest.raises(ValueError, match="0 x and 0 y values"):
        Curve(group="g", panel="p", run="0", x=(), y=())


TABLE = Table(
    caption="Scores",
    columns=("Name", "Score", "Count"),
    rows=(("a|b", Interval(value=-0.04, low=-1.26, high=2.0), 1234), ("longer", Interval(value=71.25, digits=2), None)),
    note="Note.",
)


def test_plain_table():
    assert render_table(TABLE).splitlines() == [
        "Scores",
        "Name              Score  Count",
        "──────  ───────────────  ─────",
        "a|b     0.0 [−1.3, 2.0]  1,234",
        "longer            71.25      –",
        "Note.",
    ]


def test_markdown_table():
    assert render_table(TABLE, "markdown").splitlines() == [
        "**Scores**",
        "",
        "| Name | Score | Count |",
        "| :-- | --: | --: |",
        "| a\\|b | 0.0 [−1.3, 2.0] | 1,234 |",
        "| longer | 71.25 | – |",
        "",
        "Note.",
    ]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (31_234_000, "31.2 MB"), (999_600, "1 MB"), (1.5e15, "1500 TB")],
)
def test_sizes(count, text):
    assert show_bytes(count) == text


@given(st.integers(0, 10**15))
def test_sizes_are_right_to_half_a_percent(count):
    number, unit = show_bytes(count).split()
    assert float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit] == pytest.approx(
        count, rel=0.005
    )


def scored(tokenizers=("bpe", "unigram"), seeds=(0, 1, 2), comparable=True):
    rng = np.random.default_rng(1)
    sizes = rng.lognormal(7, 1, 100)
    found = []
    for run in runs(tokenizers, ("raw", "filtered"), seeds):
        correct = (rng.random(200) < 0.5 + 0.3 * (run.cell.tokenizer == "bpe")).astype(np.float32)
        bits = (2.3 + 0.1 * rng.normal(size=100)).astype(np.float32)
        fair = comparable or run.cell.tokenizer == "bpe"
        outcomes = (
            Outcome(task="topic", metric="accuracy", value=float(correct.mean()), items=correct, chance=0.125),
            Outcome(
                task="held-out text",
                metric="bits_per_byte",
                value=float(np.average(bits, weights=sizes)),
                items=bits,
                weights=sizes,
                comparable=fair,
            ),
        )
        found.append(RunScores(cell=run.cell, seed=run.seed, outcomes=outcomes))
    return found


def report_of(comparison):
    return ReportData(
        title="t", findings=page.findings(comparison), results=page.results(comparison), notes=page.notes(comparison)
    )


def test_page_of_a_comparison():
    comparison = summarise(scored())
    data = report_of(comparison)
    assert [finding.topic for finding in data.findings] == [
        "Tokenizer, by topic",
        "Tokenizer, by held-out text",
        "Data, by topic",
        "Data, by held-out text",
    ]
    assert data.findings[0].verdict == "decided"
    assert re.fullmatch(
        r"bpe is better than unigram by \d\d\.\d points \(95 % CI .* to .*\)\.", data.findings[0].sentence
    )
    assert data.results[0].description == "200 independent test items. Chance: 12.5 %."
    assert data.results[0].tables[0].columns == ("Tokenizer", "raw", "filtered")
    assert "Of 4 questions: " in Reader(render(data)).text


def test_summary_table_has_a_row_for_each_cell_and_a_column_for_each_task():
    lines = render_table(page.summary_table(summarise(scored(comparable=False)))).splitlines()
    assert lines[0] == "Scores, mean of 3 seeds [95 % interval]"
    assert lines[1].split("  ")[0] == "Tokenizer"
    assert "topic, accuracy, %" in lines[1]
    assert [line.split()[:2] for line in lines[3:5]] == [["bpe", "raw"], ["bpe", "filtered"]]
    assert lines[5].startswith("unigram *")
    assert lines[-1].startswith("* This tokenizer loses text")


def by_source(scored_runs):
    """The same runs, with a held-out set of one source."""
    found = []
    for run in scored_runs:
        part = dataclasses.replace(run.outcomes[1], task="held-out text, raw, acl", source="acl")
        found.append(dataclasses.replace(run, outcomes=(part, *run.outcomes)))
    return found


def test_sets_by_source_have_one_table_and_no_say():
    whole, parts = summarise(scored()), summarise(by_source(scored()))
    assert [task.source for task in parts.tasks] == ["acl", None, None]
    assert parts.headlines == whole.headlines
    assert page.findings(parts) == page.findings(whole)
    assert page.summary_table(parts) == page.summary_table(whole)
    *main, last = page.results(parts)
    assert tuple(main) == page.results(whole)
    assert (last.title, last.points, last.more) == ("Held-out text by source", (), ())
    assert [row[:2] for row in last.tables[0].rows] == [
        ("held-out text, raw, acl", "bpe"),
        ("held-out text, raw, acl", "unigram"),
    ]
    assert last.tables[0].rows[0][2:] == page.results(whole)[1].tables[0].rows[0][1:]
    assert "Held-out text by source" in Reader(render(report_of(parts))).text


def test_intervals_of_accuracies_end_at_0_and_100_percent():
    found = []
    for run in runs(("bpe",), ("raw",), (0, 1, 2)):
        correct = np.ones(20, np.float32)
        correct[: run.seed] = 0
        outcome = Outcome(task="topic", metric="accuracy", value=float(correct.mean()), items=correct)
        found.append(RunScores(cell=run.cell, seed=run.seed, outcomes=(outcome,)))
    comparison = summarise(found)
    estimate = comparison.tasks[0].rows[0].estimate
    assert estimate.high > 1
    shown = page.results(comparison)[0].points[0].interval
    assert (shown.low, shown.high) == (pytest.approx(100 * estimate.low), 100.0)
    assert page.summary_table(comparison).rows[0][2] == shown


def test_a_comparison_without_tasks_is_shown():
    empty = summarise(
        [RunScores(cell=run.cell, seed=run.seed, outcomes=()) for run in runs(("bpe",), ("raw",), (0, 1))]
    )
    assert page.results(empty) == page.findings(empty) == ()
    assert render_table(page.summary_table(empty)).splitlines()[0] == "Scores, none yet"
    assert "Nothing" not in Reader(render(report_of(empty))).text


def test_missing_seeds_are_named_in_the_caption():
    comparison = summarise(scored()[:-1])
    assert "mean of 2 to 3 seeds" in page.scores_table(comparison.tasks[0], comparison).caption


def test_page_of_one_seed_says_so():
    data = report_of(summarise(scored(seeds=(0,))))
    assert {finding.verdict for finding in data.findings} == {"undecided"}
    assert "one seed, no interval" in data.results[0].tables[0].caption
    assert "run three or more" in Reader(render(data)).text


def test_lossy_tokenizers_are_marked_and_not_drawn():
    result = report_of(summarise(scored(comparable=False))).results[1]
    assert {point.group for point in result.points} == {"bpe"}
    assert result.tables[0].rows[1][0] == "unigram *"
    assert "loses text" in result.tables[0].note
