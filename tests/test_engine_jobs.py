"""Retries and bisection, without any process; how exceptions travel; engine options."""

import contextlib
import pickle

import pytest
from engine_toys import toy_step
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.errors import CorpuskitError, InputError, MissingExtra, RecipeError, StepFailed
from pipelines.engine import EngineOptions, Item, parse_slice
from pipelines.engine.jobs import MOST_POISON, Job, find_poison
from pipelines.engine.pool import describe_exit
from pipelines.engine.work import Failure


def search(records: int, poison: set[int]) -> tuple[tuple[int, ...], int]:
    """Drive a search over records of which `poison` kill; return what it found and its number of probes."""
    spans, probes = find_poison(records), 0
    try:
        span = next(spans)
        while True:
            probes += 1
            span = spans.send(any(span[0] <= record < span[1] for record in poison))
    except StopIteration as end:
        return end.value, probes


@given(st.data())
def test_bisection_finds_exactly_the_deadly_records(data):
    records = data.draw(st.integers(1, 3000))
    poison = data.draw(st.sets(st.integers(0, records - 1), max_size=5))
    found, probes = search(records, poison)
    assert found == tuple(sorted(poison))
    assert probes <= 2 + 2 * len(poison) * 12


@given(st.sets(st.integers(0, 10**7), min_size=1, max_size=4))
def test_bisection_does_not_need_to_know_the_number_of_records(poison):
    found, probes = search(0, poison)
    assert found == tuple(sorted(poison))
    assert probes <= 2 * (len(poison) + 1) * 40


def test_bisection_gives_up_when_everything_is_deadly():
    for records in (10**6, 0):
        found, probes = search(records, set(range(10**6)))
        assert found == tuple(range(MOST_POISON + 1))
        assert probes < 100


def test_bisection_ends_when_workers_die_at_random():
    spans, probes = find_poison(0), 0
    for _ in spans:  # every probe answers None: the worker survives
        probes += 1
    assert probes == 2
    spans, answers = find_poison(0), iter([True, False] * 100_000)
    next(spans)
    with contextlib.suppress(StopIteration):
        while True:
            spans.send(next(answers))
    assert next(answers) is not None, "the search ended before the answers did"


@pytest.fixture
def job(tmp_path):
    def make(retries=1, **behaviour):
        step = toy_step(tmp_path, items=1, **behaviour)
        return Job(step, step.phases[0], step.phases[0].items[0], retries)

    return make


def test_a_job_is_retried_then_bisected_then_run_without_its_poison(job):
    job = job()
    for _ in range(2):
        assert job.attempt.only is None
        job.died("exit code 9", "a.log")
    while job.attempt.only is not None:
        start, stop = job.attempt.only
        if start <= 2 < stop:
            job.died("exit code 9", "a.log")
        else:
            assert not job.survived()
    assert job.attempt.poison == (2,)
    assert job.survived()


def test_a_job_whose_records_are_innocent_fails(job):
    job = job(retries=0)
    job.died("killed by SIGKILL", "a.log")
    assert not job.survived()
    with pytest.raises(StepFailed, match="none of its records does so alone"):
        job.survived()


def test_a_job_that_dies_even_without_its_poison_fails(job):
    job = job(retries=0)
    job.died("exit code 1", "a.log")
    while job.attempt.only is not None:
        job.died("exit code 1", "a.log") if job.attempt.only[0] == 0 else job.survived()
    assert job.attempt.poison == (0,)
    with pytest.raises(StepFailed, match=r"even without its deadly records \[0\]"):
        job.died("exit code 1", "a.log")


def test_a_phase_that_does_not_bisect_fails_with_item_reason_and_log(job):
    job = job(bisects=False)
    job.died("killed by SIGSEGV", "a.log")
    with pytest.raises(StepFailed) as failed:
        job.died("killed by SIGSEGV", "a.log")
    assert "toy: item 000 of phase square killed its worker 2 times (killed by SIGSEGV)" in str(failed.value)
    assert str(failed.value).endswith("log: a.log")


@pytest.mark.parametrize(
    "error",
    [InputError("no such file"), RecipeError("a.b[0]", "is wrong"), MissingExtra("torch", "train", "training")],
)
def test_user_errors_survive_the_way_home(error):
    rebuilt = pickle.loads(pickle.dumps(Failure.of(error))).rebuilt()
    assert type(rebuilt) is type(error)
    assert (str(rebuilt), vars(rebuilt)) == (str(error), vars(error))


def test_a_user_error_that_cannot_be_pickled_keeps_its_message():
    failure = pickle.loads(pickle.dumps(Failure.of(InputError("no such file", lambda: None))))
    assert isinstance(failure.rebuilt(), CorpuskitError)
    assert "no such file" in str(failure.rebuilt())


def test_exit_codes_are_named():
    assert describe_exit(9) == "exit code 9"
    assert describe_exit(-11) == "killed by SIGSEGV"
    assert describe_exit(-9) == "killed by SIGKILL (out of memory?)"


def test_slices_partition_the_items():
    items = [Item(name=str(number)) for number in range(11)]
    shares = [EngineOptions(slice=(k, 4)).share(items) for k in (1, 2, 3, 4)]
    assert sorted(item.name for share in shares for item in share) == sorted(item.name for item in items)
    assert EngineOptions().share(items) == items


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": -1},
        {"retries": -1},
        {"heartbeat": 0},
        {"slice": (0, 2)},
        {"slice": (3, 2)},
        {"slice": (1, 2), "runner": "flink"},
        {"runner": "DirectRunner"},
        {"runner_options": ("--direct_running_mode=multi_threading",)},
    ],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(RecipeError):
        EngineOptions(**wrong)


def test_slice_texts():
    assert parse_slice("3/16") == (3, 16)
    for text in ("3", "3/", "a/b", "-1/2", "1/2/3"):
        with pytest.raises(RecipeError, match="expected K/N"):
            parse_slice(text)
