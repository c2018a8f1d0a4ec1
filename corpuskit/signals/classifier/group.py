"""The group `classifier`: two signals for each classifier that a recipe names, its probability and its log-odds.

Where classes are easy to tell apart, probabilities pile up at 1, where float32 knows no more than 24 bits: of film
reviews scored against novels, one in eight has a probability of 1 exactly. Log-odds (logit) are the same number without
that end, so that texts can be ranked: `highest: 10 %` of `good_logit` is a tenth.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, Field

from corpuskit.config import Config
from corpuskit.errors import ArtifactError
from corpuskit.kernels import Texts
from corpuskit.signals.classifier.calibration import sigmoid
from corpuskit.signals.classifier.model import digest, load
from corpuskit.signals.group import Signal, SignalGroup

NO_WORD = "texts without a word"
LOGIT = "_logit"
"""What follows a classifier's name in that of its log-odds."""


def _no_logit(name: str) -> str:
    if name.endswith(LOGIT):
        raise ValueError(f"names of log-odds end with {LOGIT}, others do not")
    return name


ClassifierName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$"), AfterValidator(_no_logit)]
"""A classifier's name, which becomes the name of its column: a letter, then letters, digits and `_`."""


class ClassifierConfig(Config):
    """Which classifiers score each text."""

    models: dict[ClassifierName, str] = Field(default_factory=dict)
    """Folder or URL of each classifier (`corpuskit classifier train`) by the name of its signal."""


def named(config: ClassifierConfig) -> Mapping[str, Signal]:
    """Return the signals by name: two a classifier."""
    signals = {}
    for name, path in config.models.items():
        signals[name] = Signal(
            pa.float32(), "0 to 1", f"p, the calibrated probability of the positive class by {path}", NO_WORD
        )
        signals[name + LOGIT] = Signal(
            pa.float32(), "any", "ln(p / (1 - p)), the log-odds of the same, which do not pile up at 1", NO_WORD
        )
    return signals


def measure(texts: Texts, config: ClassifierConfig) -> dict[str, np.ndarray]:
    """Return float32[n] of each signal; NaN for texts without a word.

    Raises:
        ArtifactError: a folder is no classifier, or one whose features this corpuskit does not make.
        CorruptArtifact: the weights do not match their manifest.
    """
    values = {}
    for name, path in config.models.items():
        with _naming(name):
            log_odds = load(path).log_odds(texts)
        values[name] = sigmoid(log_odds).astype(np.float32)
        values[name + LOGIT] = log_odds.astype(np.float32)
    return values


def identity(config: ClassifierConfig) -> Mapping[str, Any]:
    """Return what decides values: each classifier's weights and calibration, wherever it lies.

    Raises:
        ArtifactError: a folder is no classifier, or one whose features this corpuskit does not make.
    """
    digests = {}
    for name, path in config.models.items():
        with _naming(name):
            digests[name] = digest(path)
    return digests


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Let errors about a classifier name the field of the recipe."""
    try:
        yield
    except ArtifactError as error:
        raise type(error)(f"classifiers.{name}: {error}") from error


CLASSIFIER = SignalGroup(
    name="classifier",
    revision=1,
    source="own linear model of hashed words and pairs of words, in the manner of DCLM's fastText classifier (Li et "
    "al. 2024, section 4.4; Joulin et al. 2016); stated in corpuskit.signals.classifier",
    signals={},
    named=named,
    measure=measure,
    config=ClassifierConfig,
    identity=identity,
    named_in="`classifiers`",
)
