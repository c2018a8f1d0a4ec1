"""How similar two documents truly are, by the settings of the search that took one for a copy of the other."""

from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from pydantic import ValidationError

from corpuskit.corpus import Corpus
from corpuskit.dedup import DedupConfig, shingles
from corpuskit.kernels import Texts
from corpuskit.kernels.jaccard import jaccard, sets


def search_of(corpus: Corpus) -> DedupConfig | None:
    """Return how a corpus's duplicates were looked for; None where that is not known, or not to this corpuskit."""
    try:
        fields: Any = orjson.loads(corpus.manifest.extra["recipe"])["dedup"]
        return DedupConfig.model_validate(fields) if fields else None
    except (KeyError, ValidationError):
        return None


def true_similarity(a: str, b: str, config: DedupConfig) -> float:
    """Return the Jaccard similarity of the sets of shingles of two texts."""
    texts = Texts.from_arrow(pa.array([a, b], pa.large_string()))
    members, offsets = sets(*shingles(texts, config))
    middle = offsets[1]
    first, second = (np.array([0, middle]), members[:middle]), (np.array([0, offsets[2] - middle]), members[middle:])
    return float(jaccard(first[1], first[0], second[1], second[0])[0])
