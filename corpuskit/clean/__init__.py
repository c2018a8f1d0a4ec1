"""Text to text: characters, lines and personal data, each cleaner one declared step with its counts.

A new cleaner is a file with a `Cleaner` and a line in `CLEANERS`. Cleaners look at each text by itself and change it
the same way wherever it lies, so that results never depend on splits or workers.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BeforeValidator, Field

from corpuskit.clean.boilerplate import BOILERPLATE, BoilerplateConfig
from corpuskit.clean.c4_lines import C4_LINES, C4LinesConfig
from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.contamination import CONTAMINATION, ContaminationCleanerConfig
from corpuskit.clean.mojibake import MOJIBAKE, MojibakeConfig
from corpuskit.clean.pii import PII, PiiConfig
from corpuskit.clean.repeated_lines import REPEATED_LINES, RepeatedLinesConfig
from corpuskit.clean.unicode import INVISIBLE, NFC, InvisibleConfig, NfcConfig
from corpuskit.clean.whitespace import WHITESPACE, WhitespaceConfig

__all__ = [
    "CLEANERS",
    "AnyStep",
    "Cleaned",
    "Cleaner",
    "CleanerConfig",
    "ContaminationCleanerConfig",
    "apply",
    "counts_schema",
    "identity",
    "libraries",
]

CLEANERS: dict[str, Cleaner] = {
    "mojibake": MOJIBAKE,
    "invisible": INVISIBLE,
    "whitespace": WHITESPACE,
    "nfc": NFC,
    "boilerplate": BOILERPLATE,
    "c4_lines": C4_LINES,
    "repeated_lines": REPEATED_LINES,
    "pii": PII,
    "contamination": CONTAMINATION,
}

AnyCleaner = (
    MojibakeConfig
    | InvisibleConfig
    | WhitespaceConfig
    | NfcConfig
    | BoilerplateConfig
    | C4LinesConfig
    | RepeatedLinesConfig
    | PiiConfig
)


def _named(value: Any) -> Any:
    """Let a recipe write `pii` for `{step: pii}`."""
    return {"step": value} if isinstance(value, str) else value


CleanerConfig = Annotated[AnyCleaner, Field(discriminator="step"), BeforeValidator(_named)]
"""One step of a `clean` list: a cleaner's name, or its fields with `step` for the name."""
AnyStep = AnyCleaner | ContaminationCleanerConfig
"""Also the step that recipes ask for elsewhere, since it needs their tasks: `decontaminate: cut` of a variant."""


def counts_schema(steps: Sequence[AnyStep]) -> pa.Schema:
    """Return the columns `clean.<count>`, int32, that these steps leave."""
    names = dict.fromkeys(name for step in steps for name in _cleaner(step).counts)
    return pa.schema([(f"clean.{name}", pa.int32()) for name in names])


def apply(steps: Sequence[AnyStep], texts: pa.Array) -> tuple[pa.Array, pa.RecordBatch]:
    """Clean texts, one step after the other.

    Args:
        steps: configs of cleaners, in the order in which they are applied.
        texts: large_string[n], without nulls.

    Returns:
        large_string[n], and n rows of `counts_schema(steps)`; the counts of a step that occurs twice are summed.
    """
    schema = counts_schema(steps)
    totals: dict[str, Any] = {}
    for step in steps:
        texts, counts = _cleaner(step).clean(texts, step)
        for name, values in counts.items():
            totals[name] = totals.get(name, 0) + values
    arrays = [pa.array(totals[field.name.removeprefix("clean.")], pa.int32()) for field in schema]
    return texts, pa.RecordBatch.from_arrays(arrays, schema=schema)


def identity(steps: Sequence[AnyStep]) -> list[Mapping[str, Any]]:
    """Return what decides the texts: each step's config with its cleaner's revision."""
    return [{**_cleaner(step).identity(step), "revision": _cleaner(step).revision} for step in steps]


def libraries(steps: Sequence[AnyStep]) -> list[str]:
    """Return the distributions whose versions decide the texts."""
    return sorted({name for step in steps for name in _cleaner(step).libraries})


def _cleaner(step: AnyStep) -> Cleaner:
    return CLEANERS[step.step]
