"""`corpuskit run --sample`: runs a recipe on a sample, and prints what the whole would give and take."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from corpuskit.cli import session
from corpuskit.cli.console import bytes_text, counted, print_json, print_table, print_text, say, seconds_text, warn
from corpuskit.errors import InputError

if TYPE_CHECKING:
    from corpuskit.workflow.estimates import Estimate
    from corpuskit.workflow.flow import Flow
    from corpuskit.workflow.forecast import Forecast


def folder(out: str, share: float) -> str:
    """Return where a sample goes: beside the corpus, whose artifacts never mix with it."""
    return f"{out.rstrip('/')}-sample-{share:g}"


def run(
    flow: "Flow", workers: int | None, runner: str, runner_options: Sequence[str], slice_: str | None, json: bool
) -> None:
    """Run all data steps on a sample, print the forecast, and keep it as `forecast.json`.

    Raises:
        InputError: the sample is the whole, or other processes would do a part of the work unmeasured.
    """
    from corpuskit.workflow.forecast import NAME, forecast
    from corpuskit.workflow.timing import Timed

    if flow.recipe.sample >= 1:
        raise InputError("--sample: expected a share under 100 %, such as 1%: a forecast of what is known is none")
    if slice_:
        raise InputError("--sample: a sample is run by one process, which measures it; leave --slice out")
    timed = Timed(flow.out)
    with session.engine(workers, runner, runner_options, watch=timed.watch) as engine:
        if not all(place.done for place in flow.targets):
            timed.start(engine, flow.recipe)
        warn(flow.prepare(engine))
    made = forecast(flow, timed.timing)
    if json:
        print_json({"out": flow.out, **asdict(made)})
        return
    _print(made)
    say(f"sample: {flow.out}; forecast: {flow.out}/{NAME}")


def _print(made: "Forecast") -> None:
    share = f"{100 * made.share:.3g} % of them"
    print_text(f"forecast for all documents, from {counted(made.documents, 'document')} ({share})")
    rows = [(line.step, *_cells(line.documents, _number), *_cells(line.bytes, bytes_text)) for line in made.lines]
    print_table(["step", "documents", "95 %", "text", "95 %"], rows, right=[1, 2, 3, 4])
    print_text()
    times = [(time.step, _seconds(time.sample), _seconds(time.whole)) for time in made.times]
    print_table(["time", "sample", "all"], [*times, _total(made)], right=[1, 2])
    print_text()
    disk = [(kind.kind, bytes_text(kind.sample), *_cells(kind.whole, bytes_text)) for kind in made.disk]
    print_table(["disk", "sample", "all", "from, to"], disk, right=[1, 2, 3])
    for note in made.notes:
        print_text(note)


def _cells(estimate: "Estimate", text: Callable[[float], str]) -> tuple[str, str]:
    """Return an estimate, and its interval where one can be told from it; a unit that both ends have stands once."""
    low, high = text(estimate.low), text(estimate.high)
    value = low if estimate.value is None and low == high else "" if estimate.value is None else text(estimate.value)
    if low == high:
        return value, ""
    number, _, unit = low.partition(" ")
    return value, f"{number if unit == high.partition(' ')[2] else low} to {high}"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else seconds_text(value)


def _total(made: "Forecast") -> tuple[str, str, str]:
    sample = [time.sample for time in made.times if time.sample is not None]
    whole = [time.whole for time in made.times if time.whole is not None]
    complete = len(whole) == len(made.times)
    return "total" if complete else "total of what was measured", seconds_text(sum(sample)), seconds_text(sum(whole))
