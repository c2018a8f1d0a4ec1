"""Grid, statistics and decisions of a comparison."""

from pretrain.compare.decision import Standard
from pretrain.compare.grid import Cell, GridRun, cells, runs
from pretrain.compare.results import METRICS, Comparison, Outcome, RunScores, load
from pretrain.compare.summary import summarise

__all__ = [
    "METRICS",
    "Cell",
    "Comparison",
    "GridRun",
    "Outcome",
    "RunScores",
    "Standard",
    "cells",
    "load",
    "runs",
    "summarise",
]
