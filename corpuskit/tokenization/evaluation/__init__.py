"""How good a tokenizer is, before any model is trained."""

from corpuskit.tokenization.evaluation.evaluation import Evaluated, Evaluation, evaluate
from corpuskit.tokenization.evaluation.figures import Figures, measure
from corpuskit.tokenization.evaluation.morphology import Gold, load_gold
from corpuskit.tokenization.evaluation.parallel import Parallel
from corpuskit.tokenization.evaluation.parallel import load as load_parallel
from corpuskit.tokenization.evaluation.segmentation import SENTENCES

__all__ = [
    "SENTENCES",
    "Evaluated",
    "Evaluation",
    "Figures",
    "Gold",
    "Parallel",
    "evaluate",
    "load_gold",
    "load_parallel",
    "measure",
]
