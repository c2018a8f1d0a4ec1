"""Vocabularies, numbers, white space, parallel sentences and segmented words, on tokenizers whose cuts are known."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import zstandard
from evaluated import column, toy
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.tokenization import RESERVED, TokenizerConfig, train
from corpuskit.tokenization.evaluation import Gold, Parallel, load_gold, load_parallel
from corpuskit.tokenization.evaluation.morphology import morphology
from corpuskit.tokenization.evaluation.parallel import align
from corpuskit.tokenization.evaluation.parity import gini, parity
from corpuskit.tokenization.evaluation.probes import NUMBERS, grouped, numbers, rule_of, whitespace
from corpuskit.tokenization.evaluation.tally import tally
from corpuskit.tokenization.evaluation.vocabulary import LONGEST, overlaps, unreachable_ids, vocabulary

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA") or "absent") / "text"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA names no folder with text/")
ENGLISH = ["Whenever the weather is fine, we walk together further than others would, and then rest. " * 30]


# --------------------------------------------------------------------------------------------------- vocabularies


def test_a_vocabulary_in_numbers():
    tokenizer = toy(["ab", "abc", b"\xe6\x88", "ab", "x" * (LONGEST + 5)])
    counts = tally(tokenizer, column(["abcab ab 我"])).counts
    found = vocabulary(tokenizer, counts, rare=2)
    assert (found.size, found.text_tokens) == (RESERVED + 261, 261)
    assert found.used == 5, "abc, ab, space, a part of 我 and its last byte"
    assert found.under_used == 261 - 2
    assert (found.partial, found.partial_bytes) == (129, 128)
    assert found.same_text == 1
    assert (found.lengths[:3], found.lengths[-1], sum(found.lengths)) == ((256, 3, 1), 1, 261)
    assert found.lengths_used[:3] == (3, 3, 1)
    assert [use.hex for use in found.under_used_examples[:2]] == [b"x".hex() * (LONGEST + 5), b"abc".hex()]
    assert [(use.hex, use.count) for use in found.partial_examples] == [("e688", 1)]


def test_unreachable_tokens_are_those_that_no_text_gives():
    # The second ab is hidden by the first.
    tokenizer = toy(["ab", "ab", "abc"])
    nothing = np.zeros(tokenizer.vocab_size, np.int64)
    assert unreachable_ids(tokenizer, nothing).tolist() == [RESERVED + 1]
    seen = nothing.copy()
    seen[RESERVED + 1] = 1
    assert unreachable_ids(tokenizer, seen).tolist() == [], "what occurs is reached"


def test_the_two_forms_of_a_wordpiece_are_reached_and_its_hidden_bytes_of_unigram_are_not():
    pieces = train(TokenizerConfig(type="wordpiece", vocab_size=700), [column(ENGLISH)])
    assert unreachable_ids(pieces, np.zeros(pieces.vocab_size, np.int64)).tolist() == []
    unigram = train(TokenizerConfig(type="unigram", vocab_size=540), [column(ENGLISH)])
    left = unreachable_ids(unigram, np.zeros(unigram.vocab_size, np.int64))
    tokens = unigram.tokens()
    doubled = {index for index in range(RESERVED, RESERVED + 256) if tokens[index] in tokens[RESERVED + 256 :]}
    assert doubled
    assert set(left.tolist()) == doubled, "a byte whose character is a piece of its own is never given"


def test_overlap_is_jaccard_over_byte_strings():
    first, second, third = overlaps({"a": toy(["ab", "cd"]), "b": toy(["cd", "ef", "ef"]), "c": toy(["ab", "cd"])})
    assert (first.first, first.second, first.shared, first.jaccard) == ("a", "b", 257, 257 / 259)
    assert (second.first, second.second, second.jaccard) == ("a", "c", 1.0)
    assert third.jaccard == first.jaccard
    assert overlaps({"a": toy()}) == ()


# ------------------------------------------------------------------------------------------ numbers and white space


@given(digits=st.integers(1, 30), size=st.integers(1, 12), side=st.sampled_from(["left", "right"]))
def test_groups_are_cut_as_python_would(digits, size, side):
    text = "7" * digits
    lengths = tuple(len(text[place : place + size]) for place in range(0, digits, size))
    assert grouped(digits, size, side) == (lengths if side == "left" else lengths[::-1])


@pytest.mark.parametrize(
    ("patterns", "rule"),
    [
        ({(1,), (1, 1), (1, 1, 1)}, "single digits"),
        ({(1,), (2,), (3,), (3, 1), (3, 3, 2)}, "groups of 3 from the left"),
        ({(1,), (2,), (3,), (1, 3), (2, 3, 3)}, "groups of 3 from the right"),
        ({(1,), (2,), (3,), (4,)}, "one token"),
        ({(1,), (2,), (1, 1)}, "inconsistent"),
        ({(2,), (1, 2, 1)}, "inconsistent"),
    ],
)
def test_the_rule_behind_cuts(patterns, rule):
    assert rule_of(patterns) == rule


def test_numbers_of_tokenizers_whose_rule_is_known():
    assert numbers(toy()).rule == "single digits"
    threes = toy([f"{number:0{width}}" for width in (2, 3) for number in range(10**width)])
    found = numbers(threes)
    assert found.rule == "groups of 3 from the left"
    assert [(cut.digits, cut.pattern, cut.share) for cut in found.cuts[3:5]] == [(4, (3, 1), 1.0), (5, (3, 2), 1.0)]
    assert all(NUMBERS < cut.numbers <= 2 * NUMBERS for cut in found.cuts[1:])
    some = numbers(toy([f"1{digit}" for digit in range(10)]))
    assert some.rule == "inconsistent"
    assert 0.5 < some.cuts[1].share < 1
    assert some.cuts[1].pattern == (1, 1)


def test_white_space_is_kept_and_shown_as_it_is_cut():
    found = {one.name: one for one in whitespace(toy(["  "]))}
    assert all(one.kept for one in found.values())
    assert [bytes.fromhex(segment.hex) for segment in found["four spaces"].segments] == [b"a", b"  ", b"  ", b"b"]
    for one in found.values():
        assert b"".join(bytes.fromhex(segment.hex) for segment in one.segments) == one.text.encode()


def test_white_space_that_is_lost_is_said(monkeypatch):
    tokenizer = toy()
    whole = type(tokenizer).decode
    monkeypatch.setattr(
        type(tokenizer),
        "decode",
        lambda own, lists: column([" ".join(t.split()) for t in whole(own, lists).to_pylist()]),
    )
    kept = {one.name: one.kept for one in whitespace(tokenizer)}
    assert kept["one space"]
    assert not kept["two spaces"]
    assert not kept["tab"]


# ------------------------------------------------------------------------------------------------ between languages


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12))
def test_gini_is_that_of_the_sorted_definition(costs):
    n, total = len(costs), sum(costs)
    ranked = sum((2 * rank - n - 1) * cost for rank, cost in enumerate(sorted(costs), start=1))
    assert gini(costs) == pytest.approx(ranked / (n * total) if total else 0.0)


def test_gini_of_all_alike_and_of_one_that_pays_all():
    assert gini([7, 7, 7]) == 0
    assert gini([0, 0, 0, 5]) == pytest.approx(0.75)


def test_premiums_are_tokens_over_those_of_the_reference():
    sentences = Parallel("pair", {"fr": column(["abab", "b"]), "en": column(["ab", "ab"])}, ("de",))
    found = parity(toy(["ab"]), sentences)
    assert (found.reference, found.lines, found.left_out) == ("en", 2, ("de",))
    assert [(cost.language, cost.tokens, cost.premium) for cost in found.languages] == [("en", 2, 1.0), ("fr", 3, 1.5)]
    assert [cost.byte_premium for cost in found.languages] == [1.0, 1.25]
    assert found.languages[1].tokens_per_line == 1.5
    assert found.gini == pytest.approx(gini([2, 3]))
    assert found.byte_gini == pytest.approx(gini([4, 5]))
    assert parity(toy(["ab"]), sentences, "fr").languages[0].premium == pytest.approx(2 / 3)


def test_the_reference_is_english_or_else_the_cheapest():
    texts = {"de": column(["ab"]), "eng_Latn": column(["abab"])}
    assert parity(toy(), Parallel("p", texts)).reference == "eng_Latn"
    plain = {"de": column(["abab"]), "engadin": column(["ab"])}
    assert parity(toy(), Parallel("p", plain)).reference == "engadin"
    with pytest.raises(InputError, match="no language is called 'fr'; there are de, engadin"):
        parity(toy(), Parallel("p", plain), "fr")


rows = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["x", "yy"]), max_size=8)


@given(st.dictionaries(st.sampled_from(["de", "en", "fr", "zh"]), rows, max_size=4))
@settings(max_examples=200)
def test_alignment_keeps_what_all_kept_languages_have(languages):
    most = max(map(len, languages.values()), default=0)
    kept = [name for name, own in languages.items() if own and 2 * len(own) >= most]
    shared = [key for key in (languages[kept[0]] if kept else {}) if all(key in languages[name] for name in kept)]
    if len(kept) < 2 or not shared:
        with pytest.raises(InputError):
            align("set", languages)
        return
    found = align("set", languages)
    assert {name: own.to_pylist() for name, own in found.languages.items()} == {
        name: [languages[name][key] for key in shared] for name in kept
    }
    assert set(found.left_out) == set(languages) - set(kept)


def read(path: Path) -> dict[str, list[str]]:
    return {name: own.to_pylist() for name, own in load_parallel(str(path)).languages.items()}


def test_a_folder_of_lines(tmp_path):
    (tmp_path / "en.txt").write_bytes(b"one\r\ntwo\r\n\r\nfour\r\n")
    (tmp_path / "zh-Hant.txt.gz").write_bytes(gzip.compress("一\n \n三\n四".encode()))
    (tmp_path / "fr.txt.zst").write_bytes(zstandard.compress(b"un\ndeux\ntrois\nquatre\n"))
    (tmp_path / "README.txt").write_text("no language")
    (tmp_path / "en.md").write_text("no sentences")
    assert read(tmp_path) == {"en": ["one", "four"], "fr": ["un", "quatre"], "zh-Hant": ["一", "四"]}
    assert load_parallel(str(tmp_path)).name == tmp_path.name
    assert set(read(tmp_path / "[ef]*.txt*")) == {"en", "fr"}


def test_a_folder_of_ids(tmp_path):
    (tmp_path / "verses").mkdir()
    (tmp_path / "verses" / "en.old.tsv").write_text("2\tii\n1\ti\tplus\n")
    (tmp_path / "verses" / "en.new.tsv.gz").write_bytes(gzip.compress(b"1\tone\n3\tthree\n2\ttwo\n"))
    (tmp_path / "verses" / "de.Bibel.tsv").write_text("1\teins\n2\t \n3\tdrei\n")
    assert read(tmp_path) == {"de": ["eins"], "en.new": ["one"], "en.old": ["i\tplus"]}


def test_a_table_and_json_lines(tmp_path):
    (tmp_path / "p.tsv").write_text("id\ten\tde\n7\tone\teins\n8\t\tzwei\n9\tthree\tdrei\n")
    (tmp_path / "p.jsonl").write_text('{"id": 1, "en": "one", "de": "eins"}\n{"de": "zwei"}\n{"de": "d", "en": "t"}\n')
    assert read(tmp_path / "p.tsv") == {"en": ["one", "three"], "de": ["eins", "drei"]}
    assert read(tmp_path / "p.jsonl") == {"de": ["eins", "d"], "en": ["one", "t"]}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": "x"}, "no file is called <language>.txt"),
        ({"en.txt": "a\nb\n", "de.txt": "a\n"}, "en.txt has 2 lines, .*de.txt 1;"),
        ({"en.txt": "a\n"}, "two languages or more"),
        ({"en.txt": "a\n", "de.tsv": "1\ta\n"}, "cannot be matched"),
        ({"en.tsv": "1\ta\n", "de.tsv": "2\ta\n"}, "no sentence that all languages have"),
        ({"en.tsv": "1\ta\n1\tb\n", "de.tsv": "1\ta\n"}, r"en.tsv:2: the id '1' occurs twice"),
        ({"en.tsv": "a\n", "de.tsv": "1\ta\n"}, r"en.tsv:1: expected an id, a tab"),
        ({"en.txt": b"\xff\n", "de.txt": "a\n"}, r"en.txt:1: byte 0xff is not utf-8"),
    ],
)
def test_folders_that_do_not_match_are_refused(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        load_parallel(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.tsv", "en\tde\none\n", "p.tsv:2: 1 columns, but 2"),
        ("p.tsv", "en\ten\none\tone\n", "p.tsv:1: expected a first line"),
        ("p.tsv", "", "two languages"),
        ("p.jsonl", '{"en": "a", "de": 3}\n', "p.jsonl:1: expected text in the field 'de'"),
        ("p.jsonl", "[]\n", "p.jsonl:1: expected a JSON object"),
        ("p.jsonl.gz", "not gzip", "cannot be decompressed"),
    ],
)
def test_files_that_do_not_parse_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        load_parallel(str(tmp_path / name))


@needs_data
def test_real_parallel_sets():
    five = load_parallel(str(DATA / "parallel5"))
    assert (five.lines, sorted(five.languages)) == (2009, ["ar", "de", "en", "es", "ru"])
    bytes_only = parity(toy(), five)
    assert bytes_only.gini == bytes_only.byte_gini
    assert [cost.language for cost in bytes_only.languages] == ["en", "de", "es", "ar", "ru"]
    verses = load_parallel(str(DATA / "bible_nt"))
    assert (verses.lines, len(verses.languages)) == (2109, 42)
    assert set(verses.left_out) == {"gla", "glv", "pot", "ttq"}


# ------------------------------------------------------------------------------------------------------ morphology


def gold(*words: str) -> Gold:
    return Gold("words", tuple(tuple(word.split("+")) for word in words))


def test_boundaries_against_morphemes_that_are_known():
    # walk|ed right; un|real|ly cut as unre|al|ly: one of two right, one wrong; cats kept whole; dog|s cut as do|gs.
    tokenizer = toy([" walk", "ed", " unre", "al", "ly", " cats", " do", "gs"])
    found = morphology(tokenizer, gold("walk+ed", "un+real+ly", "cat+s", "dog+s"))
    assert found.words == 4
    assert found.precision == 2 / 4
    assert found.recall == 2 / 5
    assert found.f1 == pytest.approx(2 * (2 / 4) * (2 / 5) / (2 / 4 + 2 / 5))
    assert found.morphscore == pytest.approx((1 + 1 / 2 + 0) / 3), "cats is left out"
    assert found.kept_whole == 1 / 4


@pytest.mark.parametrize(
    ("tokens", "score"),
    [(["al", "diz"], 0.0), (["aldi", "z"], 1.0), (["a", "l", "d", "i", "z"], 1.0), ([" aldiz"], None)],
)
def test_morphscore_is_that_of_its_published_examples(tokens, score):
    assert morphology(toy(tokens), gold("aldi+z")).morphscore == score


def test_bytes_and_spaces_are_no_morphemes():
    found = morphology(toy(), gold("é+t"))
    assert (found.precision, found.recall) == (1 / 2, 1.0)
    spaced = morphology(toy([" ", "walk", "ed"]), gold("walk+ed"))
    assert (spaced.precision, spaced.recall) == (1.0, 1.0)
    dummy = morphology(toy(["  walk", "ed"], dummy=True), gold("walk+ed"))
    assert (dummy.precision, dummy.recall) == (1.0, 1.0)
    whole = morphology(toy(), gold("a"))
    assert (whole.precision, whole.recall, whole.f1, whole.morphscore, whole.kept_whole) == (None,) * 5


words_of = st.lists(st.lists(st.text("abé", min_size=1, max_size=3), min_size=1, max_size=4), min_size=1, max_size=6)


@given(words=words_of)
@settings(max_examples=150, deadline=None)
def test_morphology_is_that_of_plain_python(words):
    tokenizer = toy(["ab", " a", "ba", "bé", b"b\xc3"])
    table = tokenizer.tokens()
    wanted, cuts = [], []
    for word in words:
        ends = np.cumsum([len(part.encode()) for part in word]).tolist()
        tokens = np.cumsum([len(table[index]) for index in tokenizer.cut(" " + "".join(word))]) - 1
        wanted.append(set(ends[:-1]))
        cuts.append({int(end) for end in tokens if 0 < end < ends[-1]})
    right = [len(one & other) for one, other in zip(wanted, cuts, strict=True)]
    found = morphology(tokenizer, Gold("words", tuple(map(tuple, words))))
    n_cuts, n_wanted = sum(map(len, cuts)), sum(map(len, wanted))
    assert found.precision == (sum(right) / n_cuts if n_cuts else None)
    assert found.recall == (sum(right) / n_wanted if n_wanted else None)
    scores = [hit / len(own) for hit, own, cut in zip(right, wanted, cuts, strict=True) if own and cut]
    assert found.morphscore == (pytest.approx(sum(scores) / len(scores)) if scores else None)


def test_segmented_words_are_read_and_wrong_ones_refused(tmp_path):
    path = tmp_path / "gold.tsv"
    path.write_text("walked\twalk+ed\n\ncats\tcat s\r\ndog\tdog\n")
    assert load_gold(str(path)) == Gold("gold.tsv", (("walk", "ed"), ("cat", "s"), ("dog",)))
    for line in ("meant\tmean+ed", "alone", "\tx", "a\t"):
        path.write_text(f"walked\twalk+ed\n{line}\n")
        with pytest.raises(InputError, match=r"gold.tsv:2: expected a word"):
            load_gold(str(path))
    path.write_text("\n")
    with pytest.raises(InputError, match="there is no word"):
        load_gold(str(path))
