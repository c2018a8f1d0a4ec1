"""Where in a text a signal finds what it counts: spans of characters, for people who ask why.

The functions work on one text at a time, in plain Python, and say what the kernels count. They are for looking at, not
for measuring: at the edges a kernel's definition holds.
"""

from corpuskit.signals.evidence.spans import Span, merged
from corpuskit.signals.evidence.table import EVIDENCE, Evidence, evidence

__all__ = ["EVIDENCE", "Evidence", "Span", "evidence", "merged"]
