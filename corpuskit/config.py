"""The base of every config: a frozen pydantic model that refuses unknown fields."""

import multiprocessing
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def parse_bytes(value: Any) -> Any:
    """Turn "256 MiB" or "0.75MB" into a number of bytes; numbers pass through.

    Raises:
        ValueError: the text is not a number with one of the units KB, MB, GB, TB, KiB, MiB, GiB.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().upper().removesuffix(" ")
    number = text.rstrip("KMGTIB").strip()
    unit = text[len(number) :].strip()
    if unit == "B":
        unit = ""
    try:
        return round(float(number.replace("_", "")) * UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        raise ValueError(f"{value!r} is not a size; write a number with one of KB, MB, GB, TB, KiB, MiB, GiB") from None


Bytes = Annotated[int, BeforeValidator(parse_bytes)]
"""A size in bytes: an integer, or text such as "256 MiB"."""


def parse_share(value: Any) -> Any:
    """Turn "1 %" into 0.01 and text with a plain number into that number; all else passes through.

    Raises:
        ValueError: the text is neither.
    """
    if not isinstance(value, str):
        return value
    number = value.strip().removesuffix("%").strip()
    try:
        return float(Decimal(number) / (100 if value.strip().endswith("%") else 1))  # 33.3 % is the float 0.333
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a share; write 0.01 or 1%") from None


Share = Annotated[float, BeforeValidator(parse_share, json_schema_input_type=float | str)]
"""A share: a number such as 0.01, or text such as "1%"."""


DESCRIBED = multiprocessing.parent_process() is None
"""Whether models know what their fields mean: reading it from their source takes 0.15 s, and workers show no schema."""


class Config(BaseModel):
    """Base of every config model: immutable, documented field by field, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=DESCRIBED, populate_by_name=True)

    def plain(self) -> dict[str, Any]:
        """Return the config as JSON-able data, as fingerprints and manifests hold it."""
        return self.model_dump(mode="json", by_alias=True)
