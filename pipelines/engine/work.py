"""One attempt at one item: run the work function, commit its marker, carry its error home."""

import logging
import pickle
import traceback
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from corpuskit import manifest
from corpuskit.errors import CorpuskitError
from pipelines.engine.phase import Attempt, Work

LOG = logging.getLogger(__name__)
TRACEBACK_LINES = 6
"""Lines of a traceback that a message to the user shows; the log has all of them."""


def perform(phase: str, work: Work, attempt: Attempt) -> None:
    """Run the work function on one attempt and commit the marker it returns, which a probe does not."""
    marker = work(attempt)
    if attempt.only is not None:
        return
    assert marker.item == attempt.item.name, f"{phase}: the marker of {attempt.item.name} names {marker.item}"
    assert marker.fingerprint == attempt.fingerprint, f"{phase}: {marker.item}: the marker has another fingerprint"
    manifest.write_marker(attempt.folder, phase, marker)


@dataclass(frozen=True)
class Request:
    """What a worker is asked to do; `work` is pickled once for a whole phase."""

    phase: str
    work: bytes
    attempt: Attempt


@dataclass(frozen=True)
class Failure:
    """A Python exception on its way from a worker to the parent.

    Exceptions do not survive pickling in general (`RecipeError` takes two arguments and keeps one), so their class,
    arguments and attributes travel apart.
    """

    text: str
    """The whole traceback."""
    user_error: tuple[type[CorpuskitError], tuple[Any, ...], dict[str, Any]] | None = None
    """Class, `args` and attributes of an error that the user caused."""

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe an exception so that the description can be pickled, whatever the exception holds."""
        text = "".join(traceback.format_exception(error))
        if not isinstance(error, CorpuskitError):
            return cls(text)
        described = (type(error), error.args, dict(vars(error)))
        try:
            pickle.dumps(described)
        except Exception:
            return cls(text, (CorpuskitError, (str(error),), {}))
        return cls(text, described)

    def rebuilt(self) -> CorpuskitError | None:
        """Return the user's error as it was raised, or None where the exception was of another kind."""
        if self.user_error is None:
            return None
        kind, args, attributes = self.user_error
        error = kind.__new__(kind, *args)
        error.__dict__.update(attributes)
        return error

    @property
    def last_lines(self) -> str:
        """The end of the traceback, as a message to the user shows it."""
        return "\n".join(self.text.rstrip().splitlines()[-TRACEBACK_LINES:])


def answer(data: bytes) -> Failure | None:
    """Do what a pickled `Request` asks for; return what went wrong, if anything."""
    try:
        request: Request = pickle.loads(data)
        LOG.info("%s: item %s", request.phase, request.attempt.item.name)
        run = run_item if request.attempt.only is None else perform  # probes kill workers, and Beam is slow to import
        run(request.phase, _work(request.work), request.attempt)
    except (Exception, SystemExit) as error:
        if not isinstance(error, CorpuskitError):  # a user's mistake needs no traceback
            LOG.exception("the item failed")
        return Failure.of(error)
    return None


@lru_cache(maxsize=1)
def _work(data: bytes) -> Work:
    return pickle.loads(data)


def run_item(phase: str, work: Work, attempt: Attempt) -> None:
    """Run one attempt as an in-memory Beam pipeline of this process (about 45 ms beyond the work itself).

    Raises:
        BaseException: what the work function raised, as it raised it.
    """
    from pipelines.quiet_beam import FnApiRunner, PipelineOptions, beam

    _raised.clear()
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(flags=[]))
    _ = pipeline | "item" >> beam.Create([attempt], reshuffle=False) | "run" >> beam.Map(_perform, phase, work)
    pipeline.run()
    if _raised:
        raise _raised.pop()


_raised: list[BaseException] = []
"""The way back for exceptions, which Beam would rename; its in-memory runner shares this module's variables."""


def _perform(attempt: Attempt, phase: str, work: Work) -> None:
    try:
        perform(phase, work, attempt)
    except BaseException as error:
        _raised.append(error)
