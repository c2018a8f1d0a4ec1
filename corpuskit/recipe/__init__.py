"""The YAML recipe a user writes, as pydantic models that check every name."""

from corpuskit.recipe.load import check_files, load, schema
from corpuskit.recipe.model import BEST, Recipe, VariantConfig, groups_of, needed

__all__ = ["BEST", "Recipe", "VariantConfig", "check_files", "groups_of", "load", "needed", "schema"]
