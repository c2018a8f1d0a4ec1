"""One rule: a signal and the values that keep a document."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import BeforeValidator, Field, model_validator

from corpuskit.config import Config
from corpuskit.errors import RecipeError

LIMIT = float(np.finfo(np.float32).max)


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("expected a text, a number, true or false")
    return value


Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LIMIT, le=LIMIT)]
"""A finite number that float32 can hold; text and booleans are refused."""
Value = Annotated[bool | int | float | str, BeforeValidator(_scalar)]


class Rule(Config):
    """A document passes when its signal lies within the bounds, or is (is not) one of the listed values.

    Bounds are inclusive. Float signals are float32 and are compared with the bound rounded to float32, so that an exact
    tie such as 3/10 against 0.3 passes; integer signals are compared exactly.
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
    reason: Annotated[str, Field(min_length=1)] | None = None
    """What verdicts call a failure of this rule; default `<signal>:min`, `:max`, `:in` or `:not_in`."""
    missing: Literal["fail", "keep"] = "fail"
    """What becomes of a document without a value (null or NaN): `fail` as `<reason or signal>:missing`, or `keep`."""
    languages: tuple[str, ...] = ()
    """Judge only documents with one of these values of `language.label`; empty: all documents."""

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        given = [self.min is not None or self.max is not None, self.in_ is not None, self.not_in is not None]
        if sum(given) != 1:
            raise ValueError("give bounds (`min`, `max` or both), or `in`, or `not_in`: exactly one of the three")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min:g} is above `max` {self.max:g}: no value can pass")
        return self

    @property
    def listed(self) -> tuple[bool | int | float | str, ...]:
        """The values of `in` or `not_in`; empty for a rule with bounds."""
        return self.in_ or self.not_in or ()

    def named(self, condition: str) -> str:
        """Return the reason of a failure of `condition`: min, max, in, not_in or missing."""
        if self.reason is None:
            return f"{self.signal}:{condition}"
        return f"{self.reason}:missing" if condition == "missing" else self.reason

    def reasons(self) -> Iterator[str]:
        """Give every reason that this rule can name, in the order in which verdicts list them."""
        if self.missing == "fail":
            yield self.named("missing")
        for condition in ("min", "max", "in_", "not_in"):
            if getattr(self, condition) is not None:
                yield self.named(condition.removesuffix("_"))

    def check_type(self, dtype: pa.DataType, path: str) -> None:
        """Refuse a condition that makes no sense for a signal of this type.

        Raises:
            RecipeError: bounds on a signal that is no number, or a listed value of another type than the signal's.
        """
        if not self.listed:
            if not is_number(dtype):
                raise RecipeError(path, f"{self.signal} is {dtype}: use `in` or `not_in`, not `min` or `max`")
            return
        wrong = [value for value in self.listed if not _matches(value, dtype)]
        if wrong:
            raise RecipeError(path, f"{self.signal} is {dtype}, and {wrong[0]!r} can never be its value")


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
