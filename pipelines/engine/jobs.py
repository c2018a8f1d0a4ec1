"""What to try next for one item: again, then bisection, then without the poison."""

from collections.abc import Generator

from corpuskit.errors import StepFailed
from pipelines.engine.phase import Attempt, Item, Phase, Step
from pipelines.engine.work import Failure

Span = tuple[int, int]
MOST_POISON = 20
"""Deadly records that an item may have; with more, it is not the records."""
UNBOUNDED = 2**40
"""The end of an item whose number of records is unknown; no item has that many."""
FIRST = 1024
"""Records in the first span of an item whose number of records is unknown."""


def find_poison(records: int) -> Generator[Span, bool, tuple[int, ...]]:
    """Find which of `records` records kill their worker, by halving spans that do.

    `records` is 0 where their number is unknown. A record counts only if it kills alone, so a death that needs many
    records together (memory) blames none. Each of k deadly records costs about 2 log2(records) probes, which read about
    twice the item in all.

    Yields:
        Spans [start, stop) to probe; the answer to send is whether the worker died.

    Returns:
        The numbers of the deadly records in ascending order; the search ends once there are more than `MOST_POISON`.
    """
    found: list[int] = []
    suspects = _halves((0, records or UNBOUNDED))
    while suspects and len(found) <= MOST_POISON:
        span = suspects.pop(0)
        died = yield span
        if died and span[1] - span[0] == 1:
            found.append(span[0])
        elif died:
            suspects = _halves(span) + suspects
    return tuple(found)


def _halves(span: Span) -> list[Span]:
    """Split a span in two; of an unbounded one, the first part is as long as all that was searched before it."""
    start, stop = span
    unbounded = stop == UNBOUNDED and 2 * start < stop
    middle = max(FIRST, 2 * start) if unbounded else (start + stop) // 2
    return [half for half in ((start, middle), (middle, stop)) if half[0] < half[1]]


class Job:
    """One item of a phase on its way to a marker."""

    def __init__(self, step: Step, phase: Phase, item: Item, retries: int) -> None:
        self.item = item
        self._step, self._phase, self._retries = step, phase, retries
        self._failures = 0
        self._log: str | None = None
        self._poison: tuple[int, ...] = ()
        self._probe: Span | None = None
        self._search: Generator[Span, bool, tuple[int, ...]] | None = None

    @property
    def attempt(self) -> Attempt:
        """What to run now."""
        return Attempt(
            item=self.item,
            folder=self._step.folder,
            fingerprint=self._step.identity.fingerprint,
            poison=self._poison,
            only=self._probe,
        )

    @property
    def poison(self) -> tuple[int, ...]:
        """The deadly records found so far."""
        return self._poison

    def survived(self) -> bool:
        """Take note that the attempt went well; return whether the item is done.

        Raises:
            StepFailed: a search has ended and blames no record.
        """
        if self._search is None:
            return True
        self._answer(died=False)
        return False

    def raised(self, failure: Failure, log: str | None) -> None:
        """Take note of an exception; return if the attempt is worth another try.

        Raises:
            CorpuskitError: the exception itself, if the user caused it.
            StepFailed: the exception came back after every retry.
        """
        error = failure.rebuilt()
        if error is not None:
            raise error
        self._failures += 1
        if self._failures > self._retries:
            raise self._failed(f"raised {self._failures} times:\n{failure.last_lines}", log)

    def died(self, reason: str, log: str | None) -> None:
        """Take note of a worker's death; return if there is another attempt to make.

        Raises:
            StepFailed: the worker died on every retry and no record can be blamed.
        """
        if self._search is not None:
            self._answer(died=True)
            return
        self._failures += 1
        if self._failures <= self._retries:
            return
        what = f"killed its worker {self._failures} times ({reason})"
        if self._poison:
            raise self._failed(f"{what}, even without its deadly records {list(self._poison)}", log)
        if not self._phase.bisects:
            raise self._failed(what, log)
        self._log = log
        self._search = find_poison(self.item.records)
        self._probe = next(self._search)

    def _answer(self, *, died: bool) -> None:
        assert self._search is not None, "only a probe is answered"
        try:
            self._probe = self._search.send(died)
        except StopIteration as end:
            self._search = self._probe = None
            self._blame(end.value)

    def _blame(self, records: tuple[int, ...]) -> None:
        if not records:
            hint = "none of its records does so alone; is it short of memory? Use fewer workers or smaller splits"
            raise self._failed(f"kills its worker, but {hint}", self._log)
        if len(records) > MOST_POISON:
            raise self._failed(f"kills its worker with more than {MOST_POISON} of its records", self._log)
        self._poison, self._failures = records, 0

    def _failed(self, what: str, log: str | None) -> StepFailed:
        where = f"{self._step.name}: item {self.item.name} of phase {self._phase.name}"
        return StepFailed(f"{where} {what}" + (f"\nlog: {log}" if log else ""))
