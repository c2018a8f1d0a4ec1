"""Tokenizer files of other programs: no text is lost without a word, none gives a special token."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from pydantic import ValidationError
from test_tokenization import CORPUS, NASTY, column, whole
from test_tokenizer_files import IDENTITY, gpt2, spm

from corpuskit.errors import ArtifactError, InputError
from corpuskit.tokenization import RESERVED, TokenizerConfig, load, train
from corpuskit.tokenization.bytelevel import byte_alphabet
from corpuskit.tokenization.formats.convert import check, convert
from corpuskit.tokenization.imported import PROBES, HuggingFaceTokenizer, SentencePieceTokenizer

SPECIAL = ["<pad>", "</s>", "<unk>"]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def unigram() -> bytes:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.Unigram())
    made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=700, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    made.train_from_iterator(CORPUS, trainer)
    return made.to_str().encode()


def word_level() -> bytes:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.WordLevel(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.train_from_iterator(CORPUS, trainers.WordLevelTrainer(special_tokens=SPECIAL, show_progress=False))
    return made.to_str().encode()


def whole_words() -> bytes:
    fields = orjson.loads(gpt2(CORPUS))
    fields["model"]["ignore_merges"] = True
    fields["pre_tokenizer"] = isolated(r"\S+|\s+")
    return orjson.dumps(fields)


def isolated(pattern: str) -> dict[str, Any]:
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, BYTE_LEVEL]}


@pytest.mark.parametrize(
    ("make", "special"), [(unigram, "</s>"), (unigram, "<pad>"), (word_level, "</s>"), (whole_words, "<|endoftext|>")]
)
def test_a_text_that_spells_a_special_token_does_not_give_it(make: Callable[[], bytes], special: str) -> None:
    import tokenizers

    data = make()
    loaded, library = HuggingFaceTokenizer.from_model(data), tokenizers.Tokenizer.from_buffer(data)
    number = library.token_to_id(special)
    assert number not in whole(loaded, [f"the {special} end"])[0]
    assert whole(loaded, CORPUS) == [found.ids for found in library.encode_batch(CORPUS, add_special_tokens=False)]
    assert whole(pickle.loads(pickle.dumps(loaded)), CORPUS) == whole(loaded, CORPUS)


def test_probes_have_every_byte_of_utf8() -> None:
    assert set("".join(PROBES).encode()) == {*range(0xC0), *range(0xC2, 0xF5)}


def test_random_merges_are_for_training_alone() -> None:
    fields = orjson.loads(gpt2(CORPUS))
    plain = whole(HuggingFaceTokenizer.from_model(orjson.dumps(fields)), CORPUS)
    fields["model"]["dropout"] = 0.5
    assert whole(HuggingFaceTokenizer.from_model(orjson.dumps(fields)), CORPUS) == plain


@pytest.mark.parametrize("lost", ["\x7f", "\u04ff", "\ue000", "\U00040000", "\U0010ffff"])
def test_a_missing_byte_is_not_lossless(lost: str) -> None:
    """`tokenizers` leaves such bytes out of the ids."""
    fields = orjson.loads(gpt2(CORPUS))
    assert HuggingFaceTokenizer.from_model(orjson.dumps(fields)).lossless
    name = byte_alphabet()[lost.encode()[0]]
    del fields["model"]["vocab"][name]
    fields["model"]["merges"] = [pair for pair in fields["model"]["merges"] if name not in "".join(pair)]
    assert not HuggingFaceTokenizer.from_model(orjson.dumps(fields)).lossless


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ({"content": "arg", "single_word": True}, "arg argx xarg (arg)"),
        ({"content": "caf\u00e9", "normalized": True}, "a cafe\u0301 b"),
        ({"content": "<t>", "lstrip": True, "rstrip": True}, "a  <t>  b<t>c"),
        ({"content": "  "}, "a   b    c"),
    ],
)
def test_added_tokens_are_found_as_the_library_finds_them(token: dict[str, Any], text: str) -> None:
    import tokenizers

    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    fields = orjson.loads(gpt2(CORPUS))
    fields["normalizer"] = {"type": "NFC"}
    fields["added_tokens"].append({"id": 900, **plain, **token})
    data = orjson.dumps(fields)
    library = tokenizers.Tokenizer.from_buffer(data)
    assert whole(HuggingFaceTokenizer.from_model(data), [text]) == [library.encode(text).ids]


@pytest.mark.parametrize(("normalized", "fast"), [(True, False), (False, True)])
def test_tokens_that_are_looked_for_in_normalised_texts_are_left_to_the_library(normalized: bool, fast: bool) -> None:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "special": False}
    fields = orjson.loads(gpt2(CORPUS))
    fields["normalizer"] = {"type": "NFC"}
    fields["added_tokens"].append({"id": 900, "content": "<t>", "normalized": normalized, **plain})
    assert bool(HuggingFaceTokenizer.from_model(orjson.dumps(fields))._fast) == fast


def test_a_file_with_our_names_and_other_words_is_read_by_its_library(tmp_path: Path) -> None:
    """Its words or its vocabulary were changed by hand: what corpuskit knows of its own files does not hold."""
    fields = orjson.loads(train(TokenizerConfig(type="wordpiece", vocab_size=1400), [column(CORPUS)]).model)
    fields["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, BYTE_LEVEL]}
    (tmp_path / "tokenizer.json").write_bytes(orjson.dumps(fields))
    loaded = load(str(tmp_path))
    assert isinstance(loaded, HuggingFaceTokenizer)
    assert not loaded.lossless


# ---------------------------------------------------------------------------------------------------- conversion


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"user_defined_symbols": ["<tool>"]}, "symbols of a user's"),
        ({"user_defined_symbols": ["<tool>"], "model_type": "bpe"}, "symbols of a user's"),
        ({"treat_whitespace_as_suffix": True}, "spaces end words"),
        ({"model_type": "word"}, "whole words"),
        ({"model_type": "char"}, "single characters"),
    ],
)
def test_what_a_tokenizer_json_cannot_say_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        convert(SentencePieceTokenizer.from_model(spm(**options)), "tokenizer.json")


def test_only_spaces_are_taken_off_the_ends() -> None:
    loaded = SentencePieceTokenizer.from_model(spm(model_type="bpe", normalization_rule_name="identity"))
    texts = column(["line\n", "\t two  words ", " ", "\n", "a \n b"])
    assert check(loaded, convert(loaded, "tokenizer.json"), "tokenizer.json", texts) > 10


def test_no_text_gives_a_reserved_id_of_a_converted_unigram() -> None:
    tokenizer = train(TokenizerConfig(type="unigram", vocab_size=700), [column(CORPUS)])
    other = HuggingFaceTokenizer.from_model(convert(tokenizer, "tokenizer.json"))
    assert other.reserved
    assert min(whole(other, ["a ⟨eos⟩ ⟨mask⟩"])[0]) >= RESERVED
    assert whole(other, ["a ⟨eos⟩ ⟨mask⟩"]) == whole(tokenizer, ["a ⟨eos⟩ ⟨mask⟩"])


def test_ranks_hold_no_special_token_and_no_protected_text() -> None:
    ranks = convert(HuggingFaceTokenizer.from_model(whole_words()), "tiktoken")
    assert len(ranks.splitlines()) == 899
    tokenizer = train(TokenizerConfig(type="bpe", vocab_size=900, protected=("New York",)), [column(CORPUS)])
    with pytest.raises(InputError, match="always one token, and this tokenizer has 'New York'"):
        convert(tokenizer, "tiktoken")


@pytest.mark.parametrize(
    ("words", "why"),
    [(None, "none at all"), ({"invert": True}, "Split"), ({"behavior": "Removed"}, "Split")],
)
def test_words_that_are_no_expression_have_no_ranks(words: dict[str, Any] | None, why: str) -> None:
    fields = orjson.loads(gpt2(CORPUS))
    fields["pre_tokenizer"] = isolated("[a-z]+")
    if words is None:
        fields["pre_tokenizer"] = None
    else:
        fields["pre_tokenizer"]["pretokenizers"][0] |= words
    with pytest.raises(InputError, match=why):
        convert(HuggingFaceTokenizer.from_model(orjson.dumps(fields)), "tiktoken")


# ---------------------------------------------------------------------------------------------------- our own options


@pytest.mark.parametrize("text", ["\u0100", "\u0120", "\u0120the", "⟨pad⟩"])
def test_a_protected_text_that_has_the_name_of_another_id_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="two ids have the name"):
        train(TokenizerConfig(type="bpe", vocab_size=900, protected=(text,)), [column([*CORPUS, "the the"])])


def test_protecting_what_merges_make_is_refused(tmp_path: Path) -> None:
    train(TokenizerConfig(type="bpe", vocab_size=700), [column(CORPUS)]).save(str(tmp_path))
    config = TokenizerConfig(type="bpe", vocab_size=900, extend=str(tmp_path), protected=(" the",))
    with pytest.raises(InputError, match="protected text ' the' is a token that merges make"):
        train(config, [column(CORPUS)])


@pytest.mark.parametrize("normalization", ["none", "nfc", "nfkc", "lower"])
def test_protected_texts_and_normal_forms_are_those_of_the_library(normalization: str) -> None:
    """Whichever program encodes: gigatoken takes some of these, `tokenizers` the others."""
    protected = ("a.b*", "New", "New York", "caf\u00e9", " x", "\n")
    config = TokenizerConfig(type="bpe", vocab_size=900, normalization=normalization, protected=protected)
    tokenizer = train(config, [column(CORPUS)])
    texts = column([*CORPUS, *NASTY, "a.b* axb NEW New York\n xx", "caf\u00e9 cafe\u0301 CAF\u00c9 \ufb01"])
    assert check(tokenizer, tokenizer.model, "tokenizer.json", texts) > 10_000
    library = HuggingFaceTokenizer.from_model(tokenizer.model)
    assert whole(tokenizer, texts.to_pylist()[-2:]) == [
        row.tolist() for row in library._encode_batch(texts.to_pylist()[-2:])
    ]


@pytest.mark.parametrize("normalization", ["none", "nmt_nfkc"])
def test_sentencepiece_keeps_protected_texts_whole(normalization: str, tmp_path: Path) -> None:
    fields = {"vocab_size": 1400, "order": "sentencepiece", "normalization": normalization}
    config = TokenizerConfig(type="bpe", protected=("<t.*>", "New York", "\u4e2d"), **fields)
    tokenizer = train(config, [column(CORPUS)])
    table = tokenizer.tokens()
    found = [table[number] for number in whole(tokenizer, ["in New York<t.*>\u4e2d\u4e2dx"])[0]]
    assert found[-5:] == [b"New York", b"<t.*>", "\u4e2d".encode(), "\u4e2d".encode(), b"x"]
    tokenizer.save(str(tmp_path))
    assert load(str(tmp_path)).encode(column(NASTY)).equals(tokenizer.encode(column(NASTY)))


@pytest.mark.parametrize("fields", [{"type": "unigram"}, {"type": "bpe", "order": "sentencepiece"}])
@pytest.mark.parametrize("normalization", ["lower", "nfc"])
def test_normal_forms_that_sentencepiece_lacks_are_refused_before_training(
    fields: dict[str, Any], normalization: str
) -> None:
    with pytest.raises(ValidationError, match=f"no normal form '{normalization}'"):
        TokenizerConfig(vocab_size=1400, normalization=normalization, **fields)


def test_berts_form_normalises_as_its_words_were_counted() -> None:
    options = {"type": "wordpiece", "vocab_size": 1400, "symbols": "characters"}
    texts = column([*CORPUS, "caf\u00e9 " * 20])
    wide = train(TokenizerConfig(normalization="nfkc", **options), [texts])
    assert whole(wide, ["\uff41\uff42 cafe\u0301"]) == whole(wide, ["ab caf\u00e9"])
    lower = train(TokenizerConfig(normalization="lower", **options), [texts])
    assert whole(lower, ["CAF\u00c9"]) == whole(lower, ["caf\u00e9"])
    assert whole(lower, ["caf\u00e9"]) != whole(lower, ["cafe"])


@pytest.mark.parametrize("pattern", [r"^a", r"(?<=b)\w+", r"\b", "$", r"\Aimport", r"(?i)ss|k", "a*", r"x(?!y)"])
def test_words_with_anchors_are_counted_as_they_are_encoded(pattern: str) -> None:
    """One document is one text in both: no document's start or end lies elsewhere for the counts."""
    from corpuskit.kernels import Texts
    from corpuskit.tokenization.pretokens import pretokenize

    texts = column([text for text in [*NASTY, "abab xy", "import a\nimport b", "stra\u00dfe \u212aelvin"] if text])
    config = TokenizerConfig(type="bpe", vocab_size=500, pretokenizer=f"regex:{pattern}")
    tokenizer = train(config, [column(CORPUS)])
    table = np.array(tokenizer.token_bytes())
    words = pretokenize(Texts.from_arrow(texts.cast(pa.large_string())), config.words)
    ends = {int(end) for end in words.ends}
    spans = tokenizer.encode(texts)
    starts = np.concatenate([[0], np.cumsum(table[spans.flatten().to_numpy()])])
    assert ends <= set(starts.tolist()), "a token crosses a word"
    assert tokenizer.decode(spans).equals(texts.cast(pa.large_string()))


def test_sentencepiece_models_changed_by_hand_are_read_by_sentencepiece(tmp_path: Path) -> None:
    from corpuskit.tokenization.formats.sentencepiece_proto import USER_DEFINED, parse

    parsed = parse(train(TokenizerConfig(type="unigram", vocab_size=700), [column(CORPUS)]).model)
    parsed.pieces.add(piece="<tool>", score=0.0, type=USER_DEFINED)
    (tmp_path / "tokenizer.model").write_bytes(parsed.SerializeToString())
    loaded = load(str(tmp_path))
    assert isinstance(loaded, SentencePieceTokenizer)
    assert b"<tool>" in [loaded.tokens()[number] for number in whole(loaded, ["a<tool>b"])[0]]


def test_chunks_and_no_texts_are_columns_too() -> None:
    loaded = SentencePieceTokenizer.from_model(spm(**IDENTITY))
    chunks = pa.chunked_array([["a", None], [], ["b c"]], pa.string())
    assert loaded.encode(chunks).to_pylist() == whole(loaded, ["a", "", "b c"])
    assert len(loaded.encode(pa.chunked_array([], pa.string()))) == 0


def test_ids_outside_the_vocabulary_are_not_passed_over() -> None:
    for loaded in (HuggingFaceTokenizer.from_model(unigram()), SentencePieceTokenizer.from_model(spm())):
        with pytest.raises(IndexError):
            loaded.decode(pa.array([[3, 999_999]], pa.large_list(pa.uint32())))


def test_a_name_that_only_looks_like_a_byte_is_a_name() -> None:
    fields = orjson.loads(gpt2(CORPUS))
    fields |= {"pre_tokenizer": None, "decoder": None}
    fields["model"]["byte_fallback"] = True
    fields["model"]["vocab"]["<0xZZ>"] = 900
    assert HuggingFaceTokenizer.from_model(orjson.dumps(fields)).tokens()[900] == b"<0xZZ>"


def test_not_a_tokenizer_at_all(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(b"[]")
    with pytest.raises(ArtifactError, match=r"tokenizer\.json"):
        load(str(tmp_path))
