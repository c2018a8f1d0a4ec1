"""A variant's training text without what it repeats: windows to files by hash, the first of each, cuts."""

from pipelines.cut.step import REVISION, step, target

__all__ = ["REVISION", "step", "target"]
