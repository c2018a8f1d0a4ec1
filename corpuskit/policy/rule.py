"""One rule: a signal and the values that keep a document."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import BeforeValidator, Field, model_validator

from corpuskit.config import Config, Share
from corpuskit.errors import RecipeError

LIMIT = float(np.finfo(np.float32).max)
YAML_BOOLEANS = " (YAML reads yes, no, on and off so: put the text in quotes)"
"""What to say where true or false was given and a text expected."""


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("expected a text, a number, true or false")
    return value


Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LIMIT, le=LIMIT)]
"""A finite number that float32 can hold; text and booleans are refused."""
Part = Annotated[Share, Field(strict=True, gt=0, le=1)]
"""A share of documents, such as 0.1 or "10 %"."""
Value = Annotated[bool | int | float | str, BeforeValidator(_scalar)]


class Rule(Config):
    """A document passes when its signal lies within bounds, is (is not) one of the listed values, or is in a share.

    Bounds are inclusive. Float signals are float32 and are compared with the bound rounded to float32, so that an exact
    tie such as 3/10 against 0.3 passes; integer signals are compared exactly.

    A share (`highest`, `lowest`) is of the training documents that have a value and pass all rules of the policy which
    hold no share (of the rule's languages, where it names some; before duplicates are dropped). The value of the last
    document of the share is then a bound for all documents, also held-out ones: who ties with it passes too.
    """

    signal: str
    """The signal to look at, as `group.name`."""
    min: Number | None = None
    """The smallest value that passes."""
    max: Number | None = None
    """The largest value that passes."""
    in_: Annotated[tuple[Value, ...], Field(min_length=1)] | None = Field(default=None, alias="in")
    """The only values that pass: labels, numbers or booleans."""
    not_in: Annotated[tuple[Value, ...], Field(min_length=1)] | None = None
    """The values that do not pass."""
    highest: Part | None = None
    """The share of documents that passes, those with the largest values: `10 %` or 0.1."""
    lowest: Part | None = None
    """The share of documents that passes, those with the smallest values."""
    reason: Annotated[str, Field(min_length=1)] | None = None
    """What verdicts call a failure of this rule; default `<signal>:min`, `:max`, `:in`, `:not_in`, `:highest` or
    `:lowest`."""
    missing: Literal["fail", "keep"] = "fail"
    """What becomes of a document without a value (null or NaN): `fail` as `<reason or signal>:missing`, or `keep`."""
    languages: tuple[str, ...] = ()
    """Judge only documents with one of these values of `language.label`; empty: all documents."""

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        bounded = self.min is not None or self.max is not None
        others = (self.in_, self.not_in, self.highest, self.lowest)
        if bounded + sum(value is not None for value in others) != 1:
            raise ValueError(
                "give bounds (`min`, `max` or both), `in`, `not_in`, `highest` or `lowest`: exactly one of these"
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min:g} is above `max` {self.max:g}: no value can pass")
        return self

    @property
    def listed(self) -> tuple[bool | int | float | str, ...]:
        """The values of `in` or `not_in`; empty for a rule with bounds."""
        return self.in_ or self.not_in or ()

    @property
    def is_share(self) -> bool:
        """Whether the rule keeps a share of the corpus, whose bound other documents decide."""
        return self.highest is not None or self.lowest is not None

    def leaves(self, place: str) -> Iterator[tuple[str, "Rule"]]:
        """Give the rules over signals that this entry of `rules` consists of, each with its place: itself."""
        yield place, self

    def named(self, condition: str) -> str:
        """Return the reason of a failure of `condition`: the name of its field, or missing."""
        if self.reason is None:
            return f"{self.signal}:{condition}"
        return f"{self.reason}:missing" if condition == "missing" else self.reason

    def reasons(self) -> Iterator[str]:
        """Give every reason that this rule can name, in the order in which verdicts list them."""
        if self.missing == "fail":
            yield self.named("missing")
        for condition in ("min", "max", "in_", "not_in", "highest", "lowest"):
            if getattr(self, condition) is not None:
                yield self.named(condition.removesuffix("_"))

    def check_type(self, dtype: pa.DataType, path: str) -> None:
        """Refuse a condition that makes no sense for a signal of this type.

        Raises:
            RecipeError: bounds or a share of a signal that is no number, or a listed value of another type than the
                signal's.
        """
        if not self.listed:
            if not is_number(dtype):
                raise RecipeError(path, f"{self.signal} is {dtype}: use `in` or `not_in`, which need no number")
            return
        wrong = [value for value in self.listed if not _matches(value, dtype)]
        if wrong:
            shown = repr(wrong[0]).lower() + YAML_BOOLEANS if isinstance(wrong[0], bool) else repr(wrong[0])
            raise RecipeError(path, f"{self.signal} is {dtype}, and its value is never {shown}")


def is_number(dtype: pa.DataType) -> bool:
    """Whether a signal of this type can have bounds: integers and floats, not booleans."""
    return bool(pa.types.is_integer(dtype) or pa.types.is_floating(dtype))


def _matches(value: bool | int | float | str, dtype: pa.DataType) -> bool:
    if pa.types.is_dictionary(dtype):
        dtype = dtype.value_type
    if isinstance(value, str):
        return bool(pa.types.is_string(dtype) or pa.types.is_large_string(dtype))
    if isinstance(value, bool):
        return bool(pa.types.is_boolean(dtype))
    return is_number(dtype)
