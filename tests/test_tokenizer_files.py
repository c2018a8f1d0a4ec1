"""Tokenizer files: saved and loaded, foreign ones read, converted to one another with the same ids."""

import base64
import io
import pickle
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from pydantic import ValidationError
from test_tokenization import CORPUS, NASTY, TYPES, column, trained, whole

from corpuskit.errors import ArtifactError, CorruptArtifact, InputError
from corpuskit.tokenization import MASK, RESERVED, RESERVED_NAMES, Tokenizer, TokenizerConfig, load, train
from corpuskit.tokenization.encoding.bpe_json import ByteLevelBpe
from corpuskit.tokenization.formats import tiktoken
from corpuskit.tokenization.formats.convert import check, convert, ranks_to_json
from corpuskit.tokenization.imported import PROBES, HuggingFaceTokenizer, SentencePieceTokenizer

__all__ = ["trained"]  # a fixture
LINES = [line for text in [*CORPUS, *PROBES] for line in text.split("\n") if line and "\u2581" not in line]


@pytest.fixture(params=TYPES)
def tokenizer(request: pytest.FixtureRequest, trained: dict[str, Tokenizer]) -> Tokenizer:
    return trained[request.param]


def test_save_and_load(tokenizer: Tokenizer, tmp_path: Path) -> None:
    names = tokenizer.save(str(tmp_path))
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
    for other in (load(str(tmp_path)), load(str(tmp_path / tokenizer.file)), pickle.loads(pickle.dumps(tokenizer))):
        assert type(other) is type(tokenizer)
        assert other.fingerprint == tokenizer.fingerprint
        assert other.lossless
        assert whole(other, NASTY) == whole(tokenizer, NASTY)
    config = orjson.loads((tmp_path / "tokenizer_config.json").read_bytes())
    assert config["type"] == tokenizer.type
    assert config["vocab_size"] == tokenizer.vocab_size
    assert config["reserved"]["⟨mask⟩"] == MASK


def test_saving_again_gives_the_same_bytes(tokenizer: Tokenizer, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        tokenizer.save(str(tmp_path / folder))
    load(str(tmp_path / "a")).save(str(tmp_path / "c"))
    for name in (tokenizer.file, "tokenizer_config.json"):
        assert len({(tmp_path / folder / name).read_bytes() for folder in "abc"}) == 1


def test_changed_file(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path))
    path = tmp_path / tokenizer.file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CorruptArtifact, match=f"{tokenizer.file}: sha256 .* expected {tokenizer.fingerprint}"):
        load(str(tmp_path))
    path.unlink()
    with pytest.raises(InputError, match=tokenizer.file):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b'{"model": {"type": "BPE", "vocab": {"a": 0}}, "added_tokens": []}'),
        ("tokenizer.model", b"not a model"),
        ("tokenizer_config.json", b"{}"),
        ("tokenizer_config.json", b'{"format_version": 9, "type": "bpe", "fingerprint": ""}'),
    ],
)
def test_foreign_files(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(ArtifactError, match=str(tmp_path)):
            load(str(path))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        load(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "bpe", "vocab_size": 383}, "383 is too small for bpe.*take 384"),
        ({"type": "wordpiece", "vocab_size": 639}, "639 is too small for wordpiece.*take 640"),
        ({"type": "unigram", "vocab_size": 511}, "511 is too small for unigram.*take 512"),
        ({"type": "bpe", "vocab_size": 1 << 25}, "vocab_size"),
        ({"type": "bpe", "vocab_size": 1000, "max_train_bytes": 0}, "max_train_bytes"),
        ({"type": "word", "vocab_size": 1000}, "'bpe', 'wordpiece' or 'unigram'"),
        ({"type": "bpe", "vocab_size": 1000, "score": "likelihood"}, "`score` is for wordpiece, not for bpe"),
        ({"type": "bpe", "vocab_size": 1000, "pretokenizer": "gpt5"}, "no pre-tokenizer is called 'gpt5'"),
        ({"type": "bpe", "vocab_size": 1000, "pretokenizer": "bert"}, "leave out white space"),
        ({"type": "bpe", "vocab_size": 1000, "order": "sentencepiece", "pretokenizer": "gpt2"}, "metaspace"),
        ({"type": "unigram", "vocab_size": 1000, "pretokenizer": "gpt2"}, "begin with their space"),
        ({"type": "wordpiece", "vocab_size": 1000, "normalization": "nmt_nfkc"}, "SentencePiece's"),
    ],
)
def test_config_refuses(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TokenizerConfig.model_validate(fields)


# ---------------------------------------------------------------------------------------------------- other programs


def spm(**options: Any) -> bytes:
    import sentencepiece

    model = io.BytesIO()
    lines = iter("\n".join(CORPUS).split("\n"))
    fixed = {"vocab_size": 700, "hard_vocab_limit": False, "minloglevel": 2, "num_threads": 1}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=lines, model_writer=model, **fixed, **options)
    return model.getvalue()


IDENTITY = {
    "normalization_rule_name": "identity",
    "add_dummy_prefix": False,
    "remove_extra_whitespaces": False,
    "byte_fallback": True,
}


@pytest.mark.parametrize("options", [{}, {"model_type": "bpe"}, IDENTITY, {**IDENTITY, "model_type": "bpe"}])
def test_sentencepiece_models_give_its_ids(tmp_path: Path, options: dict[str, Any]) -> None:
    import sentencepiece

    (tmp_path / "spiece.model").write_bytes(spm(**options))
    for path in (tmp_path, tmp_path / "spiece.model"):
        loaded = load(str(path))
        assert isinstance(loaded, SentencePieceTokenizer)
        assert (loaded.type, loaded.reserved) == (options.get("model_type", "unigram"), False)
        library = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
        assert whole(loaded, CORPUS) == library.encode(CORPUS)
        assert loaded.decode(loaded.encode(column(CORPUS))).to_pylist() == library.decode(library.encode(CORPUS))
    if (
        options is not IDENTITY
    ):  # its scores nearly tie: float32 and float64 then choose differently, which `check` says
        assert check(loaded, convert(loaded, "tokenizer.json"), "tokenizer.json", column(LINES)) > 10_000
    loaded.save(str(tmp_path / "saved"))
    assert whole(load(str(tmp_path / "saved")), CORPUS) == whole(loaded, CORPUS)


def bert(text: list[str]) -> bytes:
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

    made = Library(models.WordPiece(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    names = ["[PAD]", "[UNK]", "[MASK]"]
    made.train_from_iterator(text, trainers.WordPieceTrainer(vocab_size=700, special_tokens=names, show_progress=False))
    return made.to_str().encode()


def test_a_foreign_tokenizer_json_gives_its_librarys_ids(tmp_path: Path) -> None:
    import tokenizers

    data = bert(CORPUS)
    (tmp_path / "tokenizer.json").write_bytes(data)
    loaded = load(str(tmp_path))
    library = tokenizers.Tokenizer.from_buffer(data)
    assert isinstance(loaded, HuggingFaceTokenizer)
    assert (loaded.type, loaded.reserved, loaded.lossless) == ("wordpiece", False, False)
    expected = [found.ids for found in library.encode_batch(CORPUS, add_special_tokens=False)]
    assert whole(loaded, CORPUS) == expected
    assert loaded.decode(loaded.encode(column(["Two words"]))).to_pylist() == ["two words"]


def gpt2(texts: list[str]) -> bytes:
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers, trainers

    made = Library(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    names = ["<|endoftext|>"]
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=names, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(texts, trainer)
    return made.to_str().encode()


def test_no_text_gives_the_special_token_of_a_foreign_file(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(gpt2(CORPUS))
    loaded = load(str(tmp_path / "tokenizer.json"))
    special = "<|endoftext|>"
    assert isinstance(loaded, HuggingFaceTokenizer)
    assert isinstance(loaded._fast, ByteLevelBpe)
    assert loaded.lossless
    assert loaded.tokens()[0] == b""
    for ids in (whole(loaded, [f"a{special}b"])[0], loaded._encode_plainly(column([f"a{special}b"]))[0].tolist()):
        assert 0 not in ids
    assert loaded.decode(loaded.encode(column([f"a{special}b"]))).to_pylist() == [f"a{special}b"]


def test_ranks_of_tiktoken_are_read_and_written(trained: dict[str, Tokenizer], tmp_path: Path) -> None:
    tokenizer = trained["bpe"]
    data = convert(tokenizer, "tiktoken")
    assert check(tokenizer, data, "tiktoken", column([*CORPUS, *NASTY])) > 10_000
    (tmp_path / "own.tiktoken").write_bytes(data)
    with pytest.raises(InputError, match="do not say what a word is"):
        load(str(tmp_path / "own.tiktoken"))
    assert whole(load(str(tmp_path / "own.tiktoken"), "gpt2"), NASTY) == whole(tokenizer, NASTY)
    (tmp_path / "gpt2.tiktoken").write_bytes(data)
    assert whole(load(str(tmp_path / "gpt2.tiktoken")), CORPUS) == whole(tokenizer, CORPUS)


def test_special_tokens_of_tiktoken_have_their_ids(trained: dict[str, Tokenizer]) -> None:
    data = ranks_to_json(convert(trained["bpe"], "tiktoken"), "gpt2", {"<|end|>": 1500})
    assert HuggingFaceTokenizer.from_model(data).vocab_size == 1501


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([b"YQ== 1", b"YQ== 2"], "line 2: the token b'a' is there twice"),
        ([b"YQ== 1", b"Yg== 1"], "two tokens have the same rank"),
        ([b"YQ== 1", b"no!"], "line 2: expected a token in base64"),
        ([b"YQ== 1"], "no token for the byte 0x00, and 254 others"),
        ([base64.b64encode(bytes([byte])) + b" %d" % byte for byte in range(256)] + [b"YWJj 300"], "no pair of tokens"),
    ],
)
def test_broken_ranks_are_refused(lines: list[bytes], message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        tiktoken.merges(tiktoken.read(b"\n".join(lines)))


# ---------------------------------------------------------------------------------------------------- conversion


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_a_byte_level_json_is_itself(trained: dict[str, Tokenizer], kind: str) -> None:
    tokenizer = trained[kind]
    assert check(tokenizer, convert(tokenizer, "tokenizer.json"), "tokenizer.json", column(LINES)) > 10_000


def test_a_unigram_becomes_a_tokenizer_json(trained: dict[str, Tokenizer]) -> None:
    tokenizer = trained["unigram"]
    for target in ("tokenizer.json", "sentencepiece"):
        assert check(tokenizer, convert(tokenizer, target), target, column(LINES)) > 10_000  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "target", "why"),
    [
        ("bpe", "sentencepiece", "whole characters"),
        ("wordpiece", "sentencepiece", "whole characters"),
        ("wordpiece", "tiktoken", "this is byte-level wordpiece"),
        ("unigram", "tiktoken", "this is a SentencePiece unigram model"),
    ],
)
def test_what_a_format_cannot_express_is_refused(
    trained: dict[str, Tokenizer], kind: str, target: Any, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        convert(trained[kind], target)


def test_other_ids_are_told(trained: dict[str, Tokenizer]) -> None:
    other = train(TokenizerConfig(type="bpe", vocab_size=900), [column(CORPUS)])
    with pytest.raises(InputError, match=r"other ids for text 1 \('import"):
        check(trained["bpe"], other.model, "tokenizer.json", column(["a", "import argparse and others"]))


def test_normalised_text_has_no_ranks() -> None:
    tokenizer = train(TokenizerConfig(type="bpe", vocab_size=900, normalization="lower"), [column(CORPUS)])
    assert not tokenizer.lossless
    assert whole(tokenizer, ["ABC"]) == whole(tokenizer, ["abc"])
    with pytest.raises(InputError, match="tiktoken normalises nothing"):
        convert(tokenizer, "tiktoken")


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_transformers_loads_the_folder(trained: dict[str, Tokenizer], kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    trained[kind].save(str(tmp_path))
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    assert [loaded(text, add_special_tokens=False)["input_ids"] for text in CORPUS] == whole(trained[kind], CORPUS)
    assert (loaded.bos_token_id, loaded.mask_token_id, loaded.pad_token_id) == (2, MASK, 0)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert fast("Two words")["input_ids"] == whole(trained[kind], ["Two words"])[0]


# ---------------------------------------------------------------------------------------------------- options

OPTIONS: list[dict[str, Any]] = [
    {"type": "bpe", "order": "bytes", "pretokenizer": "gpt4"},
    {"type": "bpe", "pretokenizer": "o200k"},
    {"type": "bpe", "pretokenizer": "regex:[a-z]+|[^a-z]+"},
    {"type": "bpe", "pretokenizer": "metaspace_runs", "seed_tokens": (" argument",)},
    {"type": "wordpiece", "score": "likelihood", "min_pair_count": 20},
    {"type": "wordpiece", "pretokenizer": "llama3"},
    {"type": "unigram", "pretokenizer": "metaspace", "longest_piece": 6},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values()))[:40])
def test_every_option_gives_a_lossless_tokenizer_that_loads(options: dict[str, Any], tmp_path: Path) -> None:
    tokenizer = train(TokenizerConfig(vocab_size=1400, **options), [column(CORPUS)])
    texts = column([*CORPUS, *NASTY])
    assert tokenizer.lossless
    assert tokenizer.decode(tokenizer.encode(texts)).equals(texts)
    tokenizer.save(str(tmp_path))
    assert load(str(tmp_path)).encode(texts).equals(tokenizer.encode(texts))
    if tokenizer.file == "tokenizer.json":
        assert check(tokenizer, tokenizer.model, "tokenizer.json", texts) > 10_000


@pytest.mark.parametrize(
    "options",
    [
        {"type": "bpe", "order": "sentencepiece"},
        {"type": "bpe", "order": "sentencepiece", "normalization": "nmt_nfkc"},
        {"type": "wordpiece", "symbols": "characters", "normalization": "lower"},
        {"type": "unigram", "normalization": "nfkc"},
    ],
    ids=["spm-bpe", "spm-bpe-nmt", "bert", "unigram-nfkc"],
)
def test_lossy_tokenizers_load_and_say_so(options: dict[str, Any], tmp_path: Path) -> None:
    tokenizer = train(TokenizerConfig(vocab_size=1400, **options), [column(CORPUS)])
    assert (tokenizer.lossless, tokenizer.reserved) == (False, True)
    assert tokenizer.tokens()[:RESERVED] == [b""] * RESERVED
    ids = tokenizer.encode(column([*CORPUS, "".join(RESERVED_NAMES[:9])])).flatten().to_numpy()
    assert ids.min() >= RESERVED or options["type"] == "wordpiece"  # BERT's form has unknown words
    tokenizer.save(str(tmp_path))
    assert load(str(tmp_path)).encode(column(CORPUS)).equals(tokenizer.encode(column(CORPUS)))


def test_protected_tokens_are_whole(tmp_path: Path) -> None:
    config = TokenizerConfig(type="bpe", vocab_size=900, protected=("<tool>", "New York"))
    tokenizer = train(config, [column(CORPUS)])
    table = tokenizer.tokens()
    (ids,) = whole(tokenizer, ["in New York<tool>x"])
    assert {b"New York", b"<tool>"} <= {table[number] for number in ids}
    assert tokenizer.decode(pa.array([ids], pa.large_list(pa.uint16()))).to_pylist() == ["in New York<tool>x"]
    tokenizer.save(str(tmp_path))
    assert whole(load(str(tmp_path)), NASTY) == whole(tokenizer, NASTY)


def test_extending_goes_on_where_training_stopped(tmp_path: Path) -> None:
    small = train(TokenizerConfig(type="bpe", vocab_size=700), [column(CORPUS)])
    small.save(str(tmp_path))
    options = {"type": "bpe", "vocab_size": 1100}
    larger = train(TokenizerConfig(**options, extend=str(tmp_path)), [column(CORPUS)])
    assert larger.model == train(TokenizerConfig(**options), [column(CORPUS)]).model
    with pytest.raises(InputError, match="other words"):
        train(TokenizerConfig(**options, extend=str(tmp_path), pretokenizer="gpt4"), [column(CORPUS)])
    fields = orjson.loads(larger.model)
    assert len(fields["model"]["merges"]) == 1100 - 384


# ---------------------------------------------------------------------------------------------------- spans and samples


@pytest.mark.parametrize("kind", TYPES)
def test_spans_are_the_texts_of_tokens(trained: dict[str, Tokenizer], kind: str) -> None:
    tokenizer, texts = trained[kind], column([*NASTY, *CORPUS])
    lists = tokenizer.encode(texts)
    starts, ends = tokenizer.spans(lists.slice(1))
    table = tokenizer.tokens()
    for text, ids, first, last in zip(texts.to_pylist()[1:], lists.to_pylist()[1:], starts, ends, strict=True):
        pairs = zip(first.as_py(), last.as_py(), strict=True)
        assert [text.encode()[start:stop] for start, stop in pairs] == [table[number] for number in ids]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_samples_are_segmentations_that_do_not_depend_on_batches(trained: dict[str, Tokenizer], kind: str) -> None:
    tokenizer, texts = trained[kind], column([*CORPUS, *NASTY])
    drawn = tokenizer.sample(texts, strength=0.3, seed=7)
    assert tokenizer.decode(drawn).equals(texts)
    assert not drawn.equals(tokenizer.encode(texts))
    assert not drawn.equals(tokenizer.sample(texts, strength=0.3, seed=8))
    parts = [tokenizer.sample(texts.slice(row, 1), strength=0.3, seed=7, first=row)[0] for row in range(len(texts))]
    assert [part.as_py() for part in parts] == drawn.to_pylist()


def test_without_dropout_a_sample_is_the_encoding(trained: dict[str, Tokenizer]) -> None:
    assert trained["bpe"].sample(column(CORPUS), strength=0.0, seed=1).equals(trained["bpe"].encode(column(CORPUS)))
    with pytest.raises(InputError, match="one segmentation"):
        trained["wordpiece"].sample(column(["a"]), strength=0.1, seed=1)
