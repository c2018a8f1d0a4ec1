"""Odd `tokenizer.json` files: faster encoders give the library's ids or leave it to it, and no loss goes unsaid."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from test_tokenization import CORPUS, column, whole
from test_tokenizer_files import gpt2
from test_tokenizer_imported import BYTE_LEVEL, whole_words

from corpuskit.errors import ArtifactError
from corpuskit.tokenization import TokenizerConfig, TokenizerType, load, train
from corpuskit.tokenization.bytelevel import byte_alphabet
from corpuskit.tokenization.imported import HuggingFaceTokenizer

FIXED = {"type": "FixedLength", "length": 200}
WORDS = {"type": "Split", "pattern": {"Regex": r"\S+|\s+"}, "behavior": "Isolated", "invert": False}
CONTIGUOUS = {"type": "Split", "pattern": {"Regex": "[ab]"}, "behavior": "Contiguous", "invert": False}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([FIXED, {**BYTE_LEVEL, "use_regex": True}], "ab the" * 33 + "a" * 300 + " theing" * 50),
        ([CONTIGUOUS, BYTE_LEVEL], "abba the bab"),
        ([BYTE_LEVEL], "the\u3000end 'sthe"),
    ],
)
def test_words_that_only_the_library_knows_are_left_to_it(words: list[dict[str, Any]], text: str) -> None:
    import tokenizers

    fields = orjson.loads(gpt2(CORPUS))
    fields["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": words}
    data = orjson.dumps(fields)
    loaded = HuggingFaceTokenizer.from_model(data)
    assert whole(loaded, [text]) == [tokenizers.Tokenizer.from_buffer(data).encode(text).ids]
    assert loaded._fast is None


def with_names(fields: dict[str, Any], *names: str) -> dict[str, int]:
    vocabulary: dict[str, int] = fields["model"]["vocab"]
    for name in names:
        vocabulary.setdefault(name, 1 + max(vocabulary.values()))
    return vocabulary


def test_whole_words_are_spelled_in_the_byte_alphabet() -> None:
    import tokenizers

    fields = orjson.loads(whole_words())
    with_names(fields, "\u4e2d", "".join(byte_alphabet()[byte] for byte in "\u6587".encode()))
    data = orjson.dumps(fields)
    expected = tokenizers.Tokenizer.from_buffer(data).encode("\u4e2d \u6587").ids
    assert len(expected) == 3 + 1 + 1
    assert whole(HuggingFaceTokenizer.from_model(data), ["\u4e2d \u6587"]) == [expected]


@pytest.mark.parametrize("listed", [True, False])
def test_a_merge_that_looks_like_a_version_counts_as_the_library_counts_it(listed: bool) -> None:
    import tokenizers

    fields = orjson.loads(gpt2(CORPUS))
    fields["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [WORDS, BYTE_LEVEL]}
    name = "#versions"
    pairs = [[name[:size], name[size]] for size in range(1, len(name))]
    vocabulary = with_names(fields, *(left + right for left, right in pairs))
    fields["model"]["merges"] = pairs if listed else [" ".join(pair) for pair in pairs]
    data = orjson.dumps(fields)
    expected = tokenizers.Tokenizer.from_buffer(data).encode(name).ids
    assert whole(HuggingFaceTokenizer.from_model(data), [name]) == [expected]
    assert (expected == [vocabulary[name]]) == listed


def plain_token(content: str, number: int, **fields: Any) -> dict[str, Any]:
    settings = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": number, "content": content, **settings, **fields}


@pytest.mark.parametrize(
    ("changes", "lossless"),
    [
        ({}, True),
        ({"added_tokens": [plain_token("<t>", 900)]}, True),
        ({"added_tokens": [plain_token("<t>", 900, lstrip=True)]}, False),
        ({"normalizer": {"type": "Replace", "pattern": {"String": "qxq"}, "content": "q"}}, False),
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{**CONTIGUOUS, "behavior": "Removed"}]}}, False),
    ],
)
def test_what_takes_off_text_that_no_probe_has_is_not_lossless(changes: dict[str, Any], lossless: bool) -> None:
    fields = {**orjson.loads(gpt2(CORPUS)), **changes}
    assert HuggingFaceTokenizer.from_model(orjson.dumps(fields)).lossless == lossless


def test_a_special_token_that_merges_spell_has_the_bytes_that_it_is_given_for() -> None:
    fields = orjson.loads(gpt2(CORPUS))
    number = with_names(fields, "the<s>")["the<s>"]
    fields["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [WORDS, BYTE_LEVEL]}
    names = ["the", "the<", "the<s", "the<s>"]
    with_names(fields, *names)
    fields["model"]["merges"] = [
        ["t", "h"],
        ["th", "e"],
        *([name, "<s>"[place]] for place, name in enumerate(names[:3])),
    ]
    with_names(fields, "th")
    fields["added_tokens"] = [plain_token("the<s>", number, special=True)]
    loaded = HuggingFaceTokenizer.from_model(orjson.dumps(fields))
    assert whole(loaded, ["the<s>"]) == [[number]]
    assert loaded.decode(loaded.encode(column(["a the<s> b"]))).to_pylist() == ["a the<s> b"]


def test_an_added_token_that_merges_give_for_other_bytes_is_not_lossless() -> None:
    fields = orjson.loads(gpt2(CORPUS))
    name = "".join(byte_alphabet()[byte] for byte in "\u03c3".encode())
    number = with_names(fields, name)[name]
    fields["model"]["merges"].append(list(name))
    fields["added_tokens"] = [plain_token(name, number)]
    assert not HuggingFaceTokenizer.from_model(orjson.dumps(fields)).lossless


def test_a_panic_of_the_library_is_an_error_of_ours() -> None:
    fields = orjson.loads(gpt2(CORPUS))
    fields["model"]["continuing_subword_prefix"] = "##"
    with pytest.raises(ArtifactError, match=r"that tokenizers .* reads"):
        HuggingFaceTokenizer.from_model(orjson.dumps(fields))


def test_an_unknown_token_that_is_missing_matters_where_it_is_needed() -> None:
    fields = orjson.loads(gpt2(CORPUS))
    name = byte_alphabet()[0x7F]
    del fields["model"]["vocab"][name]
    fields["model"]["unk_token"] = "<nothing>"
    loaded = HuggingFaceTokenizer.from_model(orjson.dumps(fields))
    assert not loaded.lossless
    assert whole(loaded, ["the end"]) == whole(HuggingFaceTokenizer.from_model(gpt2(CORPUS)), ["the end"])
    with pytest.raises(ArtifactError, match="<nothing>"):
        loaded.encode(column(["\x7f"]))


FIRST_TWO = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}


@pytest.mark.parametrize(
    ("kind", "changes", "options"),
    [
        ("bpe", {"added_tokens": [plain_token("<t>", 700)]}, {}),
        ("bpe", {"added_tokens": [plain_token("<t>", 700, special=True)]}, {}),
        ("bpe", {"truncation": FIRST_TWO}, {}),
        (
            "bpe",
            {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [FIXED, {**BYTE_LEVEL, "use_regex": True}]}},
            {},
        ),
        ("bpe", {}, {"dropout": 0.9}),
        ("wordpiece", {"added_tokens": [plain_token("<t>", 700)]}, {}),
        ("wordpiece", {"truncation": FIRST_TWO}, {}),
    ],
)
def test_what_another_program_has_changed_is_no_longer_ours(
    kind: TokenizerType, changes: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    """An id beyond the vocabulary, and ids of other merges, would else go into shards."""
    trained = train(TokenizerConfig(type=kind, vocab_size=700), [column(CORPUS)])
    assert trained.vocab_size == 700
    fields = {**orjson.loads(trained.model), **changes}
    fields["model"] |= options
    path = tmp_path / "tokenizer.json"
    path.write_bytes(orjson.dumps(fields))
    loaded = load(str(path))
    assert isinstance(loaded, HuggingFaceTokenizer)
    texts = column([*CORPUS, "ab the" * 33 + "a" * 300 + " theing" * 50, "a <t> b"])
    lists = loaded.encode(texts)
    assert max(lists.flatten().to_pylist()) < loaded.vocab_size
    assert loaded.decode(lists).equals(texts)
