"""Speed beside a named peer, in the same run: `python -m benchmarks [NAME...]`.

Each benchmark is one file with a `TITLE` and a `measure()` that yields `Row`s: what corpuskit did, what the peer did on
the same text in the same process or right after it, and the ratio of the two. `make bench` runs them all and prints
Markdown; `docs/benchmarks.md` keeps one such print with the machine it came from. No test looks at a time.

Work of one thread is timed by the processor time it takes, so that neighbours on a shared machine do not count;
commands and training by the clock on the wall. Each figure is the best of three.

`benchmarks.recall` (what the search for near-duplicates finds) and `benchmarks.growth` (its time and memory by the
number of documents) have no peer and are run by themselves.

Texts come from `CORPUSKIT_TEST_DATA` where that is set; else the documentation of this Python stands in for them.
"""

NAMES = (
    "kernels",
    "signals",
    "classifier",
    "annotate",
    "reading",
    "extraction",
    "crawl",
    "cleaning",
    "tokenizers",
    "encoding",
    "tokenize",
    "dedup",
    "cuts",
    "decontamination",
    "stream",
    "training",
)
"""The benchmarks, in the order in which they run."""
