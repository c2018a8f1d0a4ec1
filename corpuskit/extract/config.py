"""How pages are extracted, and whether the packages are there that do it."""

import importlib.util
from typing import Literal

from pydantic import Field, model_validator

from corpuskit.config import Bytes, Config
from corpuskit.errors import MissingExtra

REVISION = 1
"""Changes when the same page and config give another text, title, date or charset."""
LIBRARIES = ("trafilatura", "resiliparse", "lxml", "justext")
"""Distributions that decide bytes."""
MODULES = {"trafilatura": "trafilatura", "lxml_html_clean": "lxml_html_clean", "resiliparse": "resiliparse"}
"""Importable module -> its package. The charset is detected, and trees are rewritten, whatever the engine."""


class ExtractConfig(Config):
    """How the main text of web pages is found, and what one page may cost."""

    engine: Literal["trafilatura", "resiliparse"] = "trafilatura"
    """`trafilatura` finds the main text best; `resiliparse` takes a fifth of its time and lets more around it pass."""
    thorough: bool = False
    """`trafilatura` only: also run readability and jusText on each page and keep the text that looks best. Costs half
    as much again, and on hand-labelled news pages the text is no better: more of what surrounds it passes."""
    comments: bool = False
    """Keep readers' comments."""
    tables: bool = True
    """Keep tables, one row a line."""
    time_limit: float = Field(default=10.0, gt=0, le=3600)
    """Seconds of processor time that a page may take; an average one takes 0.01. A page that takes longer goes to the
    errors."""
    max_bytes: Bytes = Field(default=10_000_000, gt=0, lt=2**31)
    """Larger pages go to the errors without being parsed. Twice the 5 MiB at which Common Crawl cuts pages since 2025
    (1 MiB before), so that nothing of it is lost."""
    memory: Bytes = Field(default=2 << 30, ge=512 << 20)
    """Address space that extraction of a page may take (where the system can limit it: Linux). A page that needs more
    goes to the errors."""

    @model_validator(mode="after")
    def _thorough_is_of_trafilatura(self) -> "ExtractConfig":
        if self.thorough and self.engine != "trafilatura":
            raise ValueError("thorough is an option of trafilatura alone")
        return self


def require(config: ExtractConfig) -> None:
    """Check that the packages are installed with which `config` extracts.

    Raises:
        MissingExtra: naming the package and how to install it.
    """
    for module, package in MODULES.items():
        if importlib.util.find_spec(module) is None:
            raise MissingExtra(package, "web", f"extracting web pages with {config.engine}")
