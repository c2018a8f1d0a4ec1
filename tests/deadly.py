"""Work functions whose worker dies over one text; a module of its own, since workers must be able to import it."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import corpuskit.signals
from corpuskit.documents import jsonl
from corpuskit.manifest import Marker
from pipelines.engine import Attempt, Step
from pipelines.engine.phase import Work

WORD = "xdeadlyx"
"""Parsing or measuring a text with this word ends the process, as a crash in a native library does."""


def deadly(step: Step) -> Step:
    """The same step, with workers that die over the word."""
    return replace(step, phases=tuple(replace(phase, work=partial(run, work=phase.work)) for phase in step.phases))


def run(attempt: Attempt, work: Work) -> Marker:
    jsonl.parser, parser = _dies_parsing(jsonl.parser), jsonl.parser
    corpuskit.signals.compute, compute = _dies_measuring(corpuskit.signals.compute), corpuskit.signals.compute
    try:
        return work(attempt)
    finally:
        jsonl.parser, corpuskit.signals.compute = parser, compute


def _dies_parsing(parser: Callable[..., Any]) -> Callable[..., Any]:
    def poisoned(source: Any) -> Any:
        parse = parser(source)

        def parse_or_die(name: str, offset: int, line: bytes) -> Any:
            if WORD.encode() in line:
                os._exit(9)
            return parse(name, offset, line)

        return parse_or_die

    return poisoned


def _dies_measuring(compute: Callable[..., Any]) -> Callable[..., Any]:
    def compute_or_die(names: Any, columns: Any, **options: Any) -> Any:
        texts = columns["text"]
        if WORD.encode() in texts.data[texts.offsets[0] : texts.offsets[-1]].tobytes():
            os._exit(9)
        return compute(names, columns, **options)

    return compute_or_die
