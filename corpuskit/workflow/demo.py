"""Where the demo's recipe lies."""

from pathlib import Path

RECIPE = str(Path(__file__).with_name("demo.yaml"))
