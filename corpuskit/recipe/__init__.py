"""The YAML recipe a user writes, as pydantic models that check every name."""

from corpuskit.recipe.load import load, schema
from corpuskit.recipe.model import Recipe, VariantConfig

__all__ = ["Recipe", "VariantConfig", "load", "schema"]
