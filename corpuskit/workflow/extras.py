"""Whether the packages of an extra are installed: asked before hours of work, not after."""

import importlib.util

from corpuskit import manifest, urls
from corpuskit.clean import CLEANERS
from corpuskit.errors import MissingExtra
from corpuskit.recipe import Recipe, groups_of, needed
from corpuskit.signals import SIGNALS

TRAIN = {"torch": "torch", "scipy": "scipy"}
REPORT = {"altair": "altair", "jinja2": "jinja2", "vl_convert": "vl-convert-python"}


def require_training() -> None:
    """Check what pretraining, scoring and statistics need.

    Raises:
        MissingExtra: naming the package and how to install it.
    """
    _require(TRAIN, "train", "pretraining")


def require_comparison() -> None:
    """Check what a comparison and its report need.

    Raises:
        MissingExtra: naming the package and how to install it.
    """
    require_training()
    _require(REPORT, "report", "the report")


def require_web(recipe: Recipe) -> None:
    """Check what the cleaners and signals of a recipe need; input formats are checked where inputs are planned.

    Raises:
        MissingExtra: naming the package and how to install it.
    """
    for steps in (recipe.clean, *map(recipe.cleaners, recipe.variants.values())):
        for step in steps:
            manifest.require_libraries(CLEANERS[step.step].libraries, f"the cleaner `{step.step}`")
    if recipe.dedup and recipe.dedup.urls:
        manifest.require_libraries(urls.LIBRARIES, "`dedup.urls`")
    signals = {name for variant in recipe.judged_variants.values() for name in needed(variant)}
    for group in groups_of(signals, recipe.signals):
        manifest.require_libraries(SIGNALS[group].libraries, f"the signal group `{group}`")


def _require(modules: dict[str, str], extra: str, purpose: str) -> None:
    for module, package in modules.items():
        if not _is_installed(module):
            raise MissingExtra(package, extra, purpose)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
