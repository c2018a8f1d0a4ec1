"""The public PTransforms give what the plain functions give."""

from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to

from corpuskit import signals, tokenization
from corpuskit.errors import RecipeError
from corpuskit.kernels import Texts
from corpuskit.policy import PolicyConfig
from corpuskit.tokenization import TokenizerConfig
from pipelines.quiet_beam import FnApiRunner
from pipelines.transforms import Annotate, Encode, Select

TEXTS = ["The cat and the dog have been to the house of the king.", "", "中文也是一等公民。", "x y z"]
RULES = {"rules": [{"signal": "length.words", "min": 4}]}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> tokenization.Tokenizer:
    trained = tokenization.train(TokenizerConfig(type="bpe", vocab_size=400), [pa.array(TEXTS, pa.large_string())])
    trained.save(str(tmp_path_factory.mktemp("tokenizer")))
    return trained


def batch(texts: list[str]) -> pa.RecordBatch:
    ids = [f"{index}" for index in range(len(texts))]
    columns = [pa.array(ids), pa.nulls(len(texts), pa.string()), pa.array(texts, pa.large_string())]
    return pa.RecordBatch.from_arrays(columns, names=["id", "url", "text"])


def test_annotate_select_encode_in_a_pipeline_of_ones_own(tokenizer: tokenization.Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path))
    measured = signals.compute(["length"], Texts.from_arrow(pa.array(TEXTS, pa.large_string())))
    kept = [text for text, words in zip(TEXTS, measured.column("length.words").to_pylist(), strict=True) if words >= 4]
    expected = [(text, tokenizer.encode(pa.array([text], pa.large_string()))[0].as_py()) for text in kept]
    assert 0 < len(kept) < len(TEXTS)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        rows = (
            pipeline
            | beam.Create([batch(TEXTS[:2]), batch(TEXTS[2:])])
            | Annotate(["length"])
            | Select(PolicyConfig.model_validate(RULES))
            | Encode(str(tmp_path))
            | beam.FlatMap(lambda made: [(row["text"], row["tokens"]) for row in made.to_pylist()])
        )
        assert_that(rows, equal_to(expected))


def test_wrong_names_are_refused_when_the_pipeline_is_built() -> None:
    with pytest.raises(RecipeError, match="gopher"):
        Annotate(["gophers"])
    with pytest.raises(RecipeError, match=r"length\.words"):
        Select(PolicyConfig.model_validate({"rules": [{"signal": "length.word", "min": 4}]}))
