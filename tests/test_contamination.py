"""Items in documents: n-grams, shares, spans, against plain Python."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from cleaning import DATA, needs_data, real
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.contamination import Overlap, build, overlap, pairs
from corpuskit.kernels import Texts
from corpuskit.tasks import LabelledConfig, load
from corpuskit.tasks.texts import scored_texts

WORDS = st.sampled_from(["the", "The", "cat", "sat,", "on", "a", "MAT.", "é", "我", "是人", "…"])
TEXT = st.lists(WORDS, max_size=14).map(" ".join)
SETS = st.lists(st.lists(TEXT, max_size=4), min_size=1, max_size=3)


def words_of(text: str) -> list[str]:
    """`unicode` words in lower case, for the characters of these tests."""
    lower = "".join(character.lower()[0] for character in text)
    return re.findall(r"[一-鿿]|[^\W_一-鿿]+", unicodedata.normalize("NFC", lower))


def ngrams_of(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + length]) for start in range(len(words) - length + 1)]


def wanted_of(item: str, ngram: int, min_words: int) -> set[tuple[str, ...]]:
    words = words_of(item)
    return set(ngrams_of(words, min(ngram, len(words)))) if len(words) >= min_words else set()


def slow_share(item: str, document: str, ngram: int, min_words: int) -> float:
    wanted = wanted_of(item, ngram, min_words)
    if not wanted:
        return 0.0
    there = set(ngrams_of(words_of(document), len(next(iter(wanted)))))
    return len(wanted & there) / len(wanted)


def slow_starts(items: Sequence[str], document: str, ngram: int, min_words: int) -> int:
    words, wanted = words_of(document), [wanted_of(item, ngram, min_words) for item in items]
    return sum(
        any(tuple(words[start : start + len(found)]) == found for own in wanted for found in own)
        for start in range(len(words))
    )


def slow_cover(sets: Sequence[Sequence[str]], document: str, ngram: int, min_words: int, max_share: float) -> set[int]:
    words, covered = words_of(document), set()
    for item in (item for items in sets for item in items):
        if np.float32(slow_share(item, document, ngram, min_words)) <= np.float32(max_share):
            continue
        for found in wanted_of(item, ngram, min_words):
            for start in range(len(words)):
                if tuple(words[start : start + len(found)]) == found:
                    covered |= set(range(start, start + len(found)))
    return covered


def look(sets: Sequence[Sequence[str]], documents: Sequence[str], ngram: int = 13, min_words: int = 5) -> Overlap:
    table = build([(f"set{index}", items) for index, items in enumerate(sets)], ngram, min_words)
    return overlap(Texts.from_arrow(pa.array(documents, pa.large_string())), table)


@settings(max_examples=300, deadline=None)
@given(SETS, st.lists(TEXT, max_size=4), st.integers(1, 5), st.integers(1, 5), st.sampled_from([0.0, 0.3, 0.5, 0.99]))
def test_shares_counts_and_spans_are_those_of_plain_python(
    sets: list[list[str]], documents: list[str], ngram: int, fewest: int, max_share: float
) -> None:
    min_words = min(fewest, ngram)
    found = look(sets, documents, ngram, min_words)
    shares, counts = found.shares(), found.counts()
    for row, document in enumerate(documents):
        for column, items in enumerate(sets):
            slow = [np.float32(slow_share(item, document, ngram, min_words)) for item in items]
            assert shares[row, column] == max(slow, default=0.0)
            assert counts[row, column] == slow_starts(items, document, ngram, min_words)
    starts, ends = found.spans(max_share)
    covered = {word for start, end in zip(starts.tolist(), ends.tolist(), strict=True) for word in range(start, end)}
    expected = set()
    for row, document in enumerate(documents):
        first = int(found.words.offsets[row])
        expected |= {first + word for word in slow_cover(sets, document, ngram, min_words, max_share)}
    assert covered == expected
    assert (starts[1:] >= ends[:-1]).all()


def test_an_opening_that_many_items_share_is_looked_at_a_few_pairs_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    opening = "one two three four five six"
    items = [f"{opening} and then item{number}" for number in range(50)]
    documents = [f"{opening} {'x ' * number} {opening} and then item{number}" for number in range(20)]
    whole = look([items[:20], items[20:]], documents, ngram=6)
    expected = [whole.shares().tolist(), whole.counts().tolist(), [s.tolist() for s in whole.spans(0.5)]]
    monkeypatch.setattr(pairs, "AT_ONCE", 120)
    few = look([items[:20], items[20:]], documents, ngram=6)
    sizes = [len(part.items) for part in few.pairs()]
    assert len(sizes) > 1
    assert max(sizes) <= 120
    assert sum(sizes) == 50 * 20
    assert [few.shares().tolist(), few.counts().tolist(), [s.tolist() for s in few.spans(0.5)]] == expected
    monkeypatch.setattr(pairs, "AT_ONCE", 1)
    assert [len(part.items) for part in few.pairs()] == [50] * 20, "a document is never cut in two"
    assert few.shares().tolist() == expected[0]


@settings(max_examples=100, deadline=None)
@given(SETS, st.lists(TEXT, min_size=1, max_size=4), st.integers(1, 4))
def test_each_pair_is_there_once_with_its_own_share(sets: list[list[str]], documents: list[str], ngram: int) -> None:
    found = look(sets, documents, ngram, 1)
    items = [item for texts in sets for item in texts]
    own = [
        (pair, share)
        for part in found.pairs()
        for *pair, share in zip(part.documents.tolist(), part.items.tolist(), part.shares, strict=True)
    ]
    by_pair = {(document, item): share for (document, item), share in own}
    assert len(by_pair) == len(own)
    for row, document in enumerate(documents):
        for index, item in enumerate(items):
            assert by_pair.get((row, index), 0.0) == np.float32(slow_share(item, document, ngram, 1))


ENGLISH = (
    "In 1998 the committee decided, after long debate, that no further ships should be built on the northern "
    "coast until the two harbours had been dredged and the old lighthouse was repaired."
)
CHINESE = "一九九八年，委员会经过长时间的辩论后决定，在两个港口疏浚完毕之前，北部海岸不再建造任何船只。"
BEFORE, AFTER = "Something else entirely was said here first.", "And then the text went on for a while."


@pytest.mark.parametrize(
    "planted",
    [
        ENGLISH,
        ENGLISH.upper(),
        re.sub(r"[,.]", "", ENGLISH),
        ENGLISH.replace(" ", "  \n"),
        f"“{ENGLISH}”".replace(",", " —"),
        CHINESE,
        CHINESE.replace("，", " ").replace("。", "！"),
    ],
)
def test_a_planted_item_is_found_whole_in_other_case_and_punctuation(planted: str) -> None:
    found = look([[ENGLISH, CHINESE]], [f"{BEFORE} {planted} {AFTER}", BEFORE])
    assert found.shares().tolist() == [[1.0], [0.0]]


def test_half_an_item_and_one_ngram() -> None:
    words = ENGLISH.split()
    half, one = " ".join(words[: len(words) // 2 + 6]), " ".join(words[3:16])
    shares = look([[ENGLISH]], [f"{BEFORE} {half} {AFTER}", f"{BEFORE} {one} {AFTER}", " ".join(words[3:15])]).shares()
    n_ngrams = len(words) - 12
    assert shares[:, 0].tolist() == pytest.approx([(len(words) // 2 - 6) / n_ngrams, 1 / n_ngrams, 0.0])


def test_half_a_chinese_item() -> None:
    words = words_of(CHINESE)
    half = CHINESE[: CHINESE.index("决定") + 2]
    n_found, n_ngrams = len(words_of(half)) - 12, len(set(ngrams_of(words, 13)))
    assert look([[CHINESE]], [f"前面的话。{half}！后面的话。"]).shares()[0, 0] == np.float32(n_found / n_ngrams)


def test_short_items_are_found_whole_and_shorter_ones_never() -> None:
    items = ["a quick brown fox jumps", "one two three", "fox", "…", ""]
    found = look([items], ["See: A QUICK brown, fox jumps!", "a quick brown fox", "fox", "one two three", "", "!!"])
    assert found.shares()[:, 0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert (found.table.totals > 0).tolist() == [True, False, False, False, False]
    assert found.table.item_words.tolist() == [5, 3, 1, 0, 0]
    assert look([["fox"]], ["The fox."], min_words=1).shares().tolist() == [[1.0]]


def test_sets_that_share_an_item_both_have_it() -> None:
    found = look([[ENGLISH], ["nothing like it is to be found"], [CHINESE, ENGLISH]], [ENGLISH])
    assert found.shares().tolist() == [[1.0, 0.0, 1.0]]
    assert found.counts()[0, 0] == found.counts()[0, 2] == len(ENGLISH.split()) - 12


def test_repeats_count_as_occurrences_but_not_in_the_share() -> None:
    item = "one two three four five " * 4
    found = look([[item]], ["one two three four five", item + item], ngram=5)
    assert found.shares()[:, 0].tolist() == [np.float32(1 / 5), 1.0]
    assert found.counts()[:, 0].tolist() == [1, 36]


def test_nothing_to_look_for_and_nothing_to_look_in() -> None:
    assert look([[]], ["some text"]).shares().tolist() == [[0.0]]
    assert look([[ENGLISH]], []).shares().shape == (0, 1)
    assert look([], ["some text"]).shares().shape == (1, 0)
    starts, ends = look([["a b"]], ["a b c d"]).spans(0.5)
    assert not len(starts)
    assert not len(ends)


def test_more_occurrences_than_there_is_room_for() -> None:
    document = "one two three four five " * 3000
    found = look([["one two three four five one"]], [document], ngram=6)
    assert found.counts()[0, 0] == 2999


@needs_data
@pytest.mark.parametrize(
    ("corpus", "items", "documents"),
    [("text/imdb_unsup/imdb_unsup.jsonl.zst", 5, 22), ("text/acl_abstracts/acl_abstracts.jsonl.zst", 0, 0)],
)
def test_sentences_of_films_in_reviews_and_abstracts(corpus: str, items: int, documents: int) -> None:
    """SST-2 and film reviews share stock phrases alone; what is found is there, word for word."""
    folder = DATA / "tasks" / "sst2"
    paths = {"train": str(folder / "stsa.binary.train"), "test": str(folder / "stsa.binary.test")}
    scored = scored_texts(load(LabelledConfig(**paths, format="label_first")))
    texts = real(corpus)
    found = look([scored], texts)
    both = [pair for part in found.pairs() for pair in zip(part.documents.tolist(), part.items.tolist(), strict=True)]
    assert len({item for _, item in both}) == items
    assert int((found.shares() > 0.5).sum()) == documents
    for document, item in both:
        assert " ".join(words_of(scored[item])) in " ".join(words_of(texts[document]))
