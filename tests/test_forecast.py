"""Samples of documents by key, and the forecast of the whole that `corpuskit run --sample` makes from one."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import call
from corpora import small_fields, write_recipe
from engine_harness import snapshot
from hypothesis import given
from hypothesis import strategies as st
from pipelines_harness import corpus, documents, run, small

from corpuskit import manifest
from corpuskit.documents import HeldoutConfig, sample_mask
from corpuskit.documents.schema import heldout_mask, make_keys
from corpuskit.errors import InputError, RecipeError
from corpuskit.recipe.load import build
from corpuskit.workflow import timing
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.forecast import forecast
from pipelines.engine import Engine, EngineOptions, Silent

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent")) / "text" / "imdb_unsup"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA has no film reviews")
SHARE = 0.25


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return corpus(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return small(tmp_path_factory.getbasetemp()).flow


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    """The small recipe on a sample, measured."""
    return measured(small_fields(files) | {"sample": SHARE}, tmp_path_factory.mktemp("sample"))


def measured(fields: dict[str, Any], out: Path) -> tuple[Flow, dict[str, Any]]:
    """Run a recipe and forecast; return the forecast as JSON has it."""
    flow, timed = Flow(build(fields), str(out)), timing.Timed(str(out))
    with Engine(EngineOptions(workers=0), timed.watch(Silent())) as engine:
        timed.start(engine, flow.recipe)
        flow.prepare(engine)
    forecast(flow, timed.timing)
    return flow, json.loads((out / "forecast.json").read_text())


# which documents


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_a_smaller_sample_lies_within_a_larger_one(one, two, first):
    keys = make_keys("s", [str(first + number) for number in range(200)])
    small_, large = (sample_mask(keys, share) for share in sorted((one, two)))
    assert (small_ <= large).all()
    assert sample_mask(keys, 1.0).all()
    assert not sample_mask(keys, 0.0).any()


@pytest.mark.parametrize("seed", range(4))
def test_a_sample_has_its_share_and_its_share_of_the_held_out(seed):
    keys = make_keys("s", [str(number) for number in range(40_000)])
    taken, heldout = sample_mask(keys, 0.05), heldout_mask(keys, HeldoutConfig(share=0.1, seed=seed))
    assert abs(taken.mean() - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 40_000)
    assert abs((taken & heldout).mean() - 0.005) < 5 * np.sqrt(0.005 / 40_000)


def test_a_sample_is_the_rows_of_the_whole_that_its_mask_takes(whole, made):
    flow, _ = made
    everything = documents(whole.documents.folder)
    taken = sample_mask(make_keys_of(everything), SHARE)
    expected = [row for row, chosen in zip(everything, taken, strict=True) if chosen]
    assert documents(flow.documents.folder) == expected
    counts = manifest.read(flow.documents.folder).counts
    before = manifest.read(whole.documents.folder)
    assert 0 < counts["population_taken"] == len(expected) < counts["population"] == before.rows
    assert counts["population_bytes"] == before.counts["text_bytes"]
    assert manifest.read(flow.documents.folder).errors == before.errors, "malformed records are all found"


def make_keys_of(rows):
    import pyarrow as pa

    return pa.array([row["key"] for row in rows], pa.binary(16))


def test_a_sample_is_never_taken_for_the_whole(files, whole, made):
    flow, _ = made
    assert flow.documents.fingerprint != whole.documents.fingerprint
    assert manifest.differences(whole.documents.identity.plain(), flow.documents.identity.plain()) == [
        f"config.sample: 1.0 -> {SHARE}"
    ]
    assert {place.fingerprint for place in flow.targets}.isdisjoint(place.fingerprint for place in whole.targets)


@pytest.mark.parametrize(("given_", "share"), [("1%", 0.01), (" 2.5 % ", 0.025), ("0.3", 0.3), (1, 1.0)])
def test_shares_are_numbers_or_percentages(files, given_, share):
    assert build(small_fields(files) | {"sample": given_}).sample == pytest.approx(share)


@pytest.mark.parametrize("wrong", ["none", "0", "101%", -0.1, "%"])
def test_what_is_no_share_is_refused_by_name(files, wrong):
    with pytest.raises(RecipeError, match="sample: "):
        build(small_fields(files) | {"sample": wrong})


def test_a_sample_without_documents_says_so(files, tmp_path):
    with pytest.raises(InputError, match=r"none of the [1-9][0-9]* documents is in the sample"):
        run(build(small_fields(files) | {"sample": 1e-9}), tmp_path)


# what the whole would be


def truths(flow: Flow) -> dict[str, tuple[float, float]]:
    """Documents and bytes of each line of a forecast, from a run on everything."""
    read = manifest.read(flow.documents.folder)
    found = {"documents": (read.rows, read.counts["text_bytes"])}
    if flow.recipe.clean:
        found["cleaned"] = (read.rows, manifest.read(flow.texts[0].documents.folder).counts["text_bytes"])
    for name, place in flow.variants.items():
        counts = manifest.read(place.folder).counts
        passed, kept = ((counts[what], counts[f"{what}_bytes"]) for what in ("passed", "kept"))
        found |= {f"{name}: pass the policy": passed, f"{name}: kept": kept}
        found[f"{name}: lost to copies"] = (passed[0] - kept[0], passed[1] - kept[1])
    return found


def held(lines: list[dict[str, Any]], true: dict[str, tuple[float, float]]) -> list[bool]:
    """Whether the interval of each number of a forecast holds the truth."""
    return [
        line[what]["low"] * (1 - 1e-9) <= true[line["step"]][column] <= line[what]["high"] * (1 + 1e-9)
        for line in lines
        if line["step"] in true
        for column, what in enumerate(("documents", "bytes"))
    ]


def test_the_forecast_holds_what_the_whole_run_gave(whole, made):
    _, found = made
    assert {line["step"] for line in found["lines"]} == {*truths(whole), "malformed"}
    right = held(found["lines"], truths(whole))
    assert sum(right) >= len(right) - 1, "one of 16 intervals of 95 % may miss"
    exact = [line for line in found["lines"] if line["documents"]["low"] == line["documents"]["high"]]
    assert {line["step"] for line in exact} == {"malformed", "documents", "raw: pass the policy"}
    sizes = {kind["kind"]: kind["whole"] for kind in found["disk"]}
    places = [*whole.targets, *whole.shards.values()]
    assert set(sizes) == {place.kind for place in places}


def test_what_copies_change_has_bounds_and_no_estimate(made):
    _, found = made
    bounded = [line for line in found["lines"] if line["documents"]["value"] is None]
    assert {line["step"].split(": ")[1] for line in bounded} == {"lost to copies", "kept"}
    assert any("p²" in note for note in found["notes"])


def test_what_cuts_leave_has_an_upper_bound(files, tmp_path):
    cut = [{"step": "repeated_lines", "min_words": 3, "min_characters": 5}, "repeated_substrings"]
    fields = small_fields(files) | {"variants": {"raw": {}, "cut": {"cut": cut}}, "tokenizers": {}}
    _, found = measured(fields | {"sample": 0.5}, tmp_path / "sample")
    flow = run(build(fields), tmp_path / "whole")
    lines = {line["step"]: line["bytes"] for line in found["lines"]}
    kept = manifest.read(flow.variants["cut"].folder).counts["kept_bytes"]
    for step, place in zip(("repeated_lines", "repeated_substrings"), flow.cuts["cut"], strict=True):
        kept -= manifest.read(place.folder).counts["cut.bytes"]
        assert lines[f"cut: after {step}"]["value"] is None
        assert lines[f"cut: after {step}"]["low"] == 0 < kept <= lines[f"cut: after {step}"]["high"]
    assert lines["cut: after repeated_lines"]["high"] < lines["cut: kept"]["high"]
    assert any(note.startswith("cuts: ") for note in found["notes"])


def test_every_step_has_its_time(made):
    _, found = made
    times = {time["step"]: time for time in found["times"]}
    assert list(times) == [
        "start-up of workers",
        "documents",
        "signals",
        "signatures",
        "duplicates",
        "variant raw",
        "variant filtered",
        "counts bpe",
        "tokenizer bpe",
        "shards bpe",
    ]
    assert all(time["whole"] > 0 and time["sample"] > 0 for time in times.values())


def test_steps_on_texts_of_variants_are_told_apart(files, tmp_path):
    clean = [{"step": "c4_lines", "dialect": "c4@datatrove"}]
    variants = {"raw": {}, "own": {"clean": clean, "deduplicate": True}}
    fields = small_fields(files) | {"sample": 0.5, "clean": ["whitespace"], "variants": variants, "tokenizers": {}}
    flow, found = measured(fields, tmp_path)
    own = next(text.name for text in flow.texts if text.name)
    steps = [time["step"] for time in found["times"]]
    assert len(steps) == len(set(steps))
    assert {"signals", f"signals of {own}", "revision clean", f"revision {own}"} < set(steps)
    assert {"duplicates", f"duplicates@{own}"} < set(steps)


def test_workers_use_what_a_recipe_needs_before_the_clock_starts(files, tmp_path, monkeypatch):
    """The first use of a kernel takes as long as megabytes of work: in a step, it would be multiplied."""
    from corpuskit import clean, signals

    used = []
    for module, name in ((clean, "apply"), (signals, "compute")):
        real = getattr(module, name)

        def watched(given, *rest, real=real, name=name):
            used.append((name, str(given)))
            return real(given, *rest)

        monkeypatch.setattr(module, name, watched)
    fields = small_fields(files) | {"clean": ["whitespace", "pii"], "signals": ["length", "composition"], "sample": 0.5}
    flow, timed = Flow(build(fields), str(tmp_path)), timing.Timed(str(tmp_path))
    with Engine(EngineOptions(workers=0), timed.watch(Silent())) as engine:
        timed.start(engine, flow.recipe)
    assert any(name == "apply" and "pii" in given for name, given in used)
    assert [name for name, given in used if "composition" in given and "gopher" in given] == ["compute"]
    assert timed.timing.item > 0
    assert timed.timing.start > 0
    assert timed.timing.steps == {}


@pytest.mark.parametrize(
    ("low", "high", "value", "shown"),
    [
        (103_600_000, 105_100_000, 104e6, ("104.0 MB", "103.6 to 105.1 MB")),
        (180, 19_300_000, None, ("", "180 B to 19.3 MB")),
        (107_001_000, 107_002_000, 107_001_500, ("107.0 MB", "")),
        (5_000_000, 5_000_001, None, ("5.0 MB", "")),
    ],
)
def test_intervals_are_shown_as_short_as_they_can_be(low, high, value, shown):
    from corpuskit.cli.console import bytes_text
    from corpuskit.cli.sampling import _cells
    from corpuskit.workflow.estimates import Estimate

    assert _cells(Estimate(value, low, high), bytes_text) == shown


def test_work_grows_and_start_up_does_not(made):
    """Work is shared by as many workers as there are items; each item has its overhead."""
    from corpuskit.workflow.forecast import _spread

    clock = timing.Timing(workers=4, item=0.5)
    assert _spread(100, 1, clock) == 100.5
    assert _spread(100, 2, clock) == 50.5
    assert _spread(100, 40, clock) == 25 + 10 * 0.5


def test_overhead_is_measured_where_the_machine_was_less_busy():
    """An idle item that was measured while the machine was busy would hide the work of small ones."""
    phases = [timing.PhaseTime("p", 1, 1, seconds) for seconds in (0.1, 0.2, 7.0)]
    phases += [timing.PhaseTime("many", 5, 5, 0.01), timing.PhaseTime("done before", 1, 0, 0.0)]
    steps = {"x": timing.StepTime("s", "s", [], 8.0, phases)}
    assert timing.Timing(workers=2, item=0.4, steps=steps).overhead == 0.2
    assert timing.Timing(workers=2, item=0.1, steps=steps).overhead == 0.1
    assert timing.Timing(workers=2, item=0.4).overhead == 0.4


def test_times_outlive_the_run_that_took_them(made):
    flow, before = made
    timed = timing.Timed(flow.out)
    with Engine(EngineOptions(workers=0), timed.watch(Silent())) as engine:
        flow.prepare(engine)
    forecast(flow, timed.timing)
    assert json.loads(Path(flow.out, "forecast.json").read_text())["times"] == before["times"]
    (Path(flow.out) / timing.NAME).rename(Path(flow.out) / "away")
    found = forecast(flow, timing.Timed(flow.out).timing)
    (Path(flow.out) / "away").rename(Path(flow.out) / timing.NAME)
    assert {time.whole for time in found.times[1:]} == {None}, "never measured, so never guessed"


def test_run_with_a_sample_leaves_the_corpus_alone(files, tmp_path):
    recipe = write_recipe(tmp_path / "recipe.yaml", small_fields(files))
    out = tmp_path / "out"
    ended = call("run", recipe, "--out", out, "--sample", "25%", "--workers", "0", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["out"] == f"{out}-sample-0.25"
    assert not out.exists()
    assert found["share"] == 0.25
    assert found["lines"]
    assert found["times"]
    assert found["disk"]
    assert found["notes"]
    before = {name: data for name, data in snapshot(tmp_path).items() if "timing" not in name}
    again = call("run", recipe, "--out", out, "--sample", "0.25", "--workers", "0")
    assert again.code == 0
    assert again.err.count("up to date") >= 7
    assert {name: data for name, data in snapshot(tmp_path).items() if "timing" not in name} == before
    lines = again.out.splitlines()
    assert lines[1].split() == ["step", "documents", "95", "%", "text", "95", "%"]
    assert any(line.startswith("total ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--sample", "100%"), "under 100 %"), (("--sample", "1%", "--slice", "1/2"), "--slice")],
)
def test_samples_that_forecast_nothing_are_refused(files, tmp_path, arguments, message):
    recipe = write_recipe(tmp_path / "recipe.yaml", small_fields(files))
    ended = call("run", recipe, "--out", tmp_path / "out", *arguments)
    assert ended.code == 2
    assert message in ended.err


def test_web_pages_are_sampled_before_they_are_extracted(tmp_path):
    pytest.importorskip("resiliparse")
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(120):
        body = f"<html><body><p>Page {number} " + "of some length. " * (number % 7 + 3) + "</p></body></html>"
        (pages / f"{number:03d}.html").write_text(body)
    fields = {
        "name": "web",
        "sources": [{"name": "web", "paths": [str(pages)], "format": "html"}],
        "extract": {"engine": "resiliparse"},
        "dedup": None,
        "heldout": {"share": 0},
    }
    whole = run(build(fields), tmp_path / "whole")
    flow, found = measured(fields | {"sample": 0.4}, tmp_path / "sample")
    assert manifest.read(flow.documents.folder).counts["population"] == 120
    lines = {line["step"]: line for line in found["lines"]}
    read = manifest.read(whole.documents.folder)
    assert lines["documents"]["documents"]["low"] <= read.rows <= lines["documents"]["documents"]["high"]
    text = lines["documents"]["bytes"]
    assert text["low"] < read.counts["text_bytes"] < text["high"], "the bytes of text are not known but estimated"


@needs_data
@pytest.mark.slow
def test_forecasts_of_real_reviews_hold_the_truth(tmp_path):
    """Each name of the source gives other keys, and so another sample and other held-out documents."""
    right = []
    for seed in range(5):
        fields = {
            "name": "reviews",
            "sources": [{"name": f"imdb{seed}", "paths": [str(DATA)], "format": "jsonl"}],
            "split_bytes": "16 MB",
            "clean": ["whitespace"],
            "variants": {
                "raw": {},
                "gopher": {"policy": {"preset": "gopher"}},
                "long": {"policy": {"rules": [{"signal": "length.words", "min": 300}]}},
                "unique": {"policy": {"preset": "gopher"}, "deduplicate": True},
            },
        }
        whole = run(build(fields), tmp_path / f"whole{seed}")
        _, found = measured(fields | {"sample": "5%"}, tmp_path / f"sample{seed}")
        right += held(found["lines"], truths(whole))
    assert len(right) == 5 * 2 * (2 + 4 * 3)
    assert np.mean(right) >= 0.95
