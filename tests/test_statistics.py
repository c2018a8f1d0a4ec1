"""Hand-computed values, decisions and the summary of a grid."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from corpuskit.errors import ArtifactError, RecipeError
from corpuskit.recipe.comparison import BaselineConfig, CompareConfig
from pretrain.compare import Cell, Outcome, RunScores, Standard, cells, load, runs, summarise
from pretrain.compare.decision import Contrast, judge
from pretrain.compare.results import METRICS
from pretrain.compare.statistics import Spread, holm, interval, items_needed, p_value, seeds_needed, spread_of


def test_seeds_only_is_the_textbook_t_interval():
    values = np.array([0.71, 0.74, 0.70, 0.73])
    found = interval(spread_of(values), 0.95)
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert found == pytest.approx(expected)
    assert p_value(spread_of(values - 0.7)) == pytest.approx(stats.ttest_1samp(values, 0.7).pvalue)


def test_variance_components_of_a_small_table_by_hand():
    """Means 2, 4 by seed and 1, 3, 5 by item, plus one interaction of +-1; worked by hand."""
    scores = np.array([[0.0, 2.0, 4.0], [2.0, 4.0, 6.0]]) + np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])
    found = spread_of(np.zeros(1), scores)
    assert found.mean == 3
    assert found.between_seeds == pytest.approx(2)  # variance of 2 and 4
    assert found.item_variance == pytest.approx(4 - 2 / 2)  # variance of 1, 3, 5, less MS_rest = 4 / 2 over 2 seeds
    assert found.standard_error == pytest.approx(np.sqrt(2 / 2 + 3 / 3))
    assert found.seed_share == pytest.approx(0.5)
    weight = 0.5**1.15
    assert found.critical(0.025) == pytest.approx(weight * 12.7062 + (1 - weight) * 4.3027, abs=1e-3)  # t tables


@given(st.integers(2, 5), st.integers(2, 30), st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_equal_weights_change_nothing_and_scaling_scales(seeds, items, seed):
    scores = np.random.default_rng(seed).normal(size=(seeds, items))
    plain, weighted = spread_of(np.zeros(1), scores), spread_of(np.zeros(1), scores, np.full(items, 17.0))
    assert weighted.standard_error == pytest.approx(plain.standard_error)
    assert p_value(weighted) == pytest.approx(p_value(plain))
    scaled = interval(spread_of(np.zeros(1), 100 * scores + 3), 0.95)
    assert scaled == pytest.approx([100 * bound + 3 for bound in interval(plain, 0.95)])


@given(st.integers(2, 5), st.integers(1, 20), st.integers(0, 10_000), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=50, deadline=None)
def test_p_value_and_interval_agree(seeds, items, seed, confidence):
    scores = np.random.default_rng(seed).normal(0.5, 1, (seeds, items))
    found = spread_of(np.zeros(1), scores)
    low, high = interval(found, confidence)
    assert (p_value(found) < 1 - confidence) == (low > 0 or high < 0)
    reached = interval(found, 1 - p_value(found))
    assert min(abs(bound) for bound in reached) == pytest.approx(0, abs=1e-6)


def test_weighted_mean_is_bits_over_bytes():
    sizes = np.array([100.0, 900.0])
    bits = np.array([[300.0, 1800.0], [310.0, 1820.0]])
    assert spread_of(np.zeros(1), bits / sizes, sizes).mean == pytest.approx(bits.sum() / (2 * sizes.sum()))


def test_one_seed_gives_no_interval():
    found = spread_of(np.zeros(1), np.ones((1, 50)))
    assert (found.standard_error, found.seed_share, interval(found, 0.95), p_value(found)) == (None, None, None, 1.0)
    assert seeds_needed(found, 0.05, 0.8) is None


def test_seeds_that_agree_exactly_prove_nothing_by_themselves():
    assert interval(spread_of(np.array([0.1, 0.1, 0.1])), 0.95) is None
    assert p_value(spread_of(np.array([0.1, 0.1]))) == 1.0


@pytest.mark.parametrize(
    ("values", "items", "weights", "message"),
    [
        ([], None, None, "one or more seeds"),
        ([np.nan], None, None, "finite"),
        ([0], np.ones(4), None, "shape"),
        ([0], np.ones((2, 0)), None, "shape"),
        ([0], np.full((2, 3), np.inf), None, "not finite"),
        ([0], np.ones((2, 3)), np.ones(2), "3 items"),
        ([0], np.ones((2, 3)), np.array([1.0, 0.0, 1.0]), "positive"),
    ],
)
def test_bad_input_is_refused(values, items, weights, message):
    with pytest.raises(ValueError, match=message):
        spread_of(np.array(values), items, weights)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_order_and_lies_between_raw_and_bonferroni(values):
    adjusted = holm(values)
    for raw, corrected in zip(values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, raw * len(values)) + 1e-12
    assert sorted(range(len(values)), key=lambda i: (values[i], i)) == sorted(
        range(len(values)), key=lambda i: (adjusted[i], values[i], i)
    )


def test_seeds_needed_gives_the_power_it_promises():
    """Simulate at the number it names: about 80 % of the experiments must decide."""
    seeds = seeds_needed(Spread(mean=0.02, seeds=3, between_seeds=0.02**2), 0.05, 0.8)
    rng = np.random.default_rng(5)
    decided = np.mean([p_value(spread_of(rng.normal(0.02, 0.02, seeds))) < 0.05 for _ in range(2000)])
    assert 8 <= seeds <= 14
    assert 0.75 <= decided <= 0.9


def test_more_seeds_cannot_replace_items():
    found = Spread(mean=0.01, seeds=3, between_seeds=1e-5, items=200, effective_items=200, item_variance=0.2)
    assert seeds_needed(found, 0.05, 0.8) is None
    assert items_needed(found, 0.05, 0.8) == int(np.ceil(0.2 * ((1.959964 + 0.841621) / 0.01) ** 2))


def sentence(spread, metric="accuracy", others=()):
    contrasts = [Contrast(first="bpe", second="unigram", spread=spread), *others]
    return judge("tokenizers", contrasts, METRICS[metric], Standard()).differences[0].sentence


def test_sentences_of_decided_differences():
    gap = Spread(mean=0.021, seeds=3, between_seeds=3 * 0.003**2)
    assert sentence(gap) == "bpe is better than unigram by 2.1 points (95 % CI 0.8 to 3.4)"
    assert sentence(gap, "bits_per_byte").startswith("unigram is better than bpe by 0.021 bits per byte (95 % CI 0.008")
    behind = Spread(mean=-0.021, seeds=3, between_seeds=3 * 0.003**2)
    assert sentence(behind) == "unigram is better than bpe by 2.1 points (95 % CI 0.8 to 3.4)"


def test_sentences_of_open_questions_say_what_is_missing():
    noisy = Spread(mean=0.02, seeds=3, between_seeds=0.02**2)
    assert "undecided: bpe leads unigram by 2.0 points (95 % CI \N{MINUS SIGN}3.0 to 7.0)" in sentence(noisy)
    assert "would need about 10 seeds (here 3)" in sentence(noisy)
    assert "run three or more" in sentence(Spread(mean=0.02, seeds=1, between_seeds=None))
    assert "chance cannot be judged" in sentence(Spread(mean=0.02, seeds=3, between_seeds=0.0))
    few_items = Spread(mean=0.01, seeds=3, between_seeds=1e-5, items=200, effective_items=200, item_variance=0.2)
    assert "more seeds and at least 15,698 test items (here 200)" in sentence(few_items)
    tiny = Spread(mean=1e-6, seeds=3, between_seeds=0.02**2)
    assert "over 1,000 seeds" in sentence(tiny)
    assert "bpe and unigram differ by 0.0 points" in sentence(Spread(mean=0.0, seeds=3, between_seeds=0.02**2))


def test_the_correction_can_leave_a_clear_looking_gap_open():
    gap = Spread(mean=0.021, seeds=3, between_seeds=3 * 0.0045**2)
    noise = Contrast(first="a", second="b", spread=Spread(mean=0.0, seeds=3, between_seeds=1.0))
    assert sentence(gap).startswith("bpe is better")
    assert "does not stand up to the correction for 3 comparisons" in sentence(gap, others=[noise, noise])


def outcome(value=0.0, items=None, **fields):
    return Outcome(task="topic", metric="accuracy", value=value, items=items, **fields)


def grid(effects, seeds=(0, 1, 2), items=400, seed=0):
    """Runs of a grid on one binary task; `effects` gives each cell's accuracy."""
    rng = np.random.default_rng(seed)
    hard = rng.random(items)
    found = []
    for run in runs(("bpe", "unigram"), ("raw", "filtered"), seeds):
        correct = (hard + rng.normal(0, 0.05, items) < effects[run.cell.tokenizer, run.cell.variant]).astype(np.float32)
        found.append(RunScores(cell=run.cell, seed=run.seed, outcomes=(outcome(float(correct.mean()), correct),)))
    return found


EFFECTS = {("bpe", "raw"): 0.7, ("bpe", "filtered"): 0.7, ("unigram", "raw"): 0.5, ("unigram", "filtered"): 0.5}


def test_summary_finds_the_effect_that_is_there_and_no_other():
    found = summarise(grid(EFFECTS))
    families = {family.kind: family for family in found.tasks[0].families}
    assert families["tokenizers"].verdict == "decided"
    assert families["tokenizers"].differences[0].better == "bpe"
    assert families["tokenizers"].differences[0].estimate.mean == pytest.approx(0.2, abs=0.03)
    assert families["variants"].verdict == "undecided"
    assert len(families["cells"].differences) == 6
    assert families["cells"].verdict == "partly"
    assert [row.cell for row in found.tasks[0].rows] == cells(("bpe", "unigram"), ("raw", "filtered"))
    assert found.headlines[0].startswith("topic: bpe is better than unigram by ")


def test_effect_of_an_axis_is_the_mean_of_its_paired_differences():
    scored = grid(EFFECTS)
    value = {(run.cell, run.seed): run.outcomes[0].value for run in scored}
    gaps = [value[Cell("bpe", v), s] - value[Cell("unigram", v), s] for v in ("raw", "filtered") for s in (0, 1, 2)]
    family = summarise(scored).tasks[0].families[0]
    assert family.differences[0].estimate.mean == pytest.approx(np.mean(gaps), abs=1e-6)


def test_pairing_makes_differences_sharper_than_single_scores():
    task = summarise(grid(EFFECTS)).tasks[0]
    pair = task.families[-1].differences[0].estimate
    assert pair.standard_error < task.rows[0].estimate.standard_error


def test_baseline_replaces_all_pairs():
    baseline = Cell("bpe", "raw")
    family = summarise(grid(EFFECTS), baseline=baseline).tasks[0].families[-1]
    assert [difference.second for difference in family.differences] == ["bpe on raw"] * 3


def test_a_grid_with_one_variant_does_not_repeat_itself():
    scored = [run for run in grid(EFFECTS) if run.cell.variant == "raw"]
    assert [family.kind for family in summarise(scored).tasks[0].families] == ["tokenizers"]


def test_ratios_with_weights_of_their_own_are_compared_exactly():
    """Documents are scored up to a token's end, so each tokenizer has its own bytes: 2000 and a few."""
    rng = np.random.default_rng(5)
    common = rng.normal(2, 0.3, 120)
    found = []
    for run in runs(("bpe", "unigram"), ("raw",), (0, 1, 2)):
        sizes = 2000.0 + np.random.default_rng(len(run.cell.tokenizer)).integers(0, 9, 120)
        items = (common + rng.normal(0, 0.01, 120) + 0.1 * (run.cell.tokenizer == "bpe")).astype(np.float32)
        value = float(np.average(items, weights=sizes))
        outcomes = (Outcome(task="text", metric="bits_per_byte", value=value, items=items, weights=sizes),)
        found.append(RunScores(cell=run.cell, seed=run.seed, outcomes=outcomes))
    task = summarise(found).tasks[0]
    gap = task.families[0].differences[0].estimate
    assert gap.mean == pytest.approx(task.rows[0].estimate.mean - task.rows[1].estimate.mean, abs=1e-9)
    assert gap.standard_error < 0.1 * task.rows[0].estimate.standard_error


def test_a_failed_run_leaves_the_seeds_that_remain():
    scored = [run for run in grid(EFFECTS) if (run.cell, run.seed) != (Cell("bpe", "raw"), 2)]
    task = summarise(scored).tasks[0]
    assert task.rows[0].seeds == (0, 1)
    assert task.families[0].differences[0].estimate.seeds == 2
    assert task.families[-1].differences[-1].estimate.seeds == 3


def test_scores_that_cannot_be_compared_are_shown_but_not_compared():
    scored = [
        RunScores(
            cell=run.cell,
            seed=run.seed,
            outcomes=(outcome(run.outcomes[0].value, comparable=run.cell.tokenizer == "bpe"),),
        )
        for run in grid(EFFECTS)
    ]
    task = summarise(scored).tasks[0]
    assert [row.comparable for row in task.rows] == [True, True, False, False]
    assert [family.kind for family in task.families] == ["variants"]


def test_runs_without_items_are_compared_over_seeds_alone():
    scored = [RunScores(cell=r.cell, seed=r.seed, outcomes=(outcome(r.outcomes[0].value),)) for r in grid(EFFECTS)]
    estimate = summarise(scored).tasks[0].families[0].differences[0].estimate
    assert (estimate.items, estimate.seed_share) == (0, 1.0)


def one(cell, seed, *outcomes):
    return RunScores(cell=cell, seed=seed, outcomes=outcomes)


A, B = Cell("bpe", "raw"), Cell("unigram", "raw")


@pytest.mark.parametrize(
    ("scored", "message"),
    [
        ([], "no run"),
        ([one(A, 0, outcome()), one(A, 0, outcome())], "two runs of seed 0"),
        ([one(A, 0, Outcome(task="t", metric="acuracy", value=0))], "did you mean 'accuracy'"),
        ([one(A, 0, outcome(1, np.ones(3))), one(B, 0, outcome(1, np.ones(4)))], "on 3 and on 4 items"),
        ([one(A, 0, outcome(0.5, np.ones(3)))], "its items average 1.0"),
        (
            [one(A, s, outcome(1, np.ones(2), weights=np.array([1.0, 2.0 + s]))) for s in (0, 1)],
            "different weights",
        ),
    ],
)
def test_results_that_do_not_fit_are_refused(scored, message):
    with pytest.raises(ValueError, match=message):
        summarise(scored)


def test_comparison_is_saved_and_read_back(tmp_path):
    found = summarise(grid(EFFECTS, seeds=(0,)))
    path = str(tmp_path / "comparison.json")
    found.save(path)
    assert load(path) == found
    assert json.loads((tmp_path / "comparison.json").read_bytes())["tasks"][0]["rows"][0]["estimate"]["low"] is None
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(ArtifactError, match="is not a comparison"):
        load(str(tmp_path / "other.json"))


def test_grid_names_and_order():
    found = runs(("a", "b"), ("x", "y"), (7, 8))
    assert [run.name for run in found][:3] == ["a--x--seed7", "a--y--seed7", "b--x--seed7"]
    assert len({run.name for run in found}) == 8


def test_config_refuses_repeated_seeds_and_unknown_baselines():
    with pytest.raises(ValueError, match="seeds must differ"):
        CompareConfig(seeds=(1, 1))
    config = CompareConfig(baseline=BaselineConfig(tokenizer="bpee", variant="raw"))
    with pytest.raises(RecipeError, match=r"compare\.baseline\.tokenizer: no tokenizer is named 'bpee'; did you mean"):
        config.check(["bpe"], ["raw"])
    CompareConfig(baseline=BaselineConfig(tokenizer="bpe", variant="raw")).check(["bpe"], ["raw"])
