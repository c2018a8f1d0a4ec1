"""Per-character work as numba kernels over Arrow buffers.

`Texts` is a batch of documents as (data, offsets), zero-copy over an Arrow column, with word and line scans that are
made once and read by every signal. Kernels elsewhere decorate with `kernel` and pass arrays through `fixed`.
"""

from corpuskit.kernels.casing import lowered
from corpuskit.kernels.columns import as_arrow, replace_rows
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.cuts import Cuts, cut, cuts
from corpuskit.kernels.hashing import hash_spans, hash_texts
from corpuskit.kernels.jaccard import jaccard, sets
from corpuskit.kernels.lines import Lines
from corpuskit.kernels.minhash import agreement, permutations, signatures
from corpuskit.kernels.ngrams import character_ngram_hashes, ngram_hashes
from corpuskit.kernels.normal import normalized
from corpuskit.kernels.spans import Spans, gather_spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.unionfind import Forest, components
from corpuskit.kernels.utf8 import characters
from corpuskit.kernels.words import WordKind, Words

__all__ = [
    "Cuts",
    "Forest",
    "Lines",
    "Spans",
    "Texts",
    "WordKind",
    "Words",
    "agreement",
    "as_arrow",
    "character_ngram_hashes",
    "characters",
    "components",
    "cut",
    "cuts",
    "fixed",
    "gather_spans",
    "hash_spans",
    "hash_texts",
    "inlined",
    "jaccard",
    "kernel",
    "lowered",
    "ngram_hashes",
    "normalized",
    "permutations",
    "replace_rows",
    "sets",
    "signatures",
]
