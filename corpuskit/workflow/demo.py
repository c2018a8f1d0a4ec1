"""Where the demo's recipe lies."""

from pathlib import Path

RECIPE = str(Path(__file__).parents[2] / "recipes" / "demo.yaml")
