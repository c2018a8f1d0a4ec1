"""Words of a corpus and how often each occurs, counted split by split and merged by partition."""

from pipelines.counting.rows import Rows
from pipelines.counting.step import REVISION, of_files, step, target

__all__ = ["REVISION", "Rows", "of_files", "step", "target"]
