"""Items cut out of texts: whole words, nothing else, and no two words made one."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cleaning import column
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.clean.contamination import CONTAMINATION, ContaminationCleanerConfig
from corpuskit.contamination import ReferenceConfig, build, overlap
from corpuskit.kernels import Texts
from corpuskit.tasks import OrderConfig

ITEM = "There were three of them in the old boat, and not one could swim."
CHINESE = "那条旧船上有三个人，可是没有一个人会游泳。"
PIECES = st.sampled_from(["a", "B", "c", "é", "İ", "我", "是", " ", ", ", "\n", "。", "!", "\u0301", "— ", "😀"])
TEXT = st.lists(PIECES, max_size=25).map("".join)


def config(folder: Path, items: Sequence[str], **fields: object) -> ContaminationCleanerConfig:
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps({"text": item}) + "\n" for item in items))
    return ContaminationCleanerConfig.model_validate({"sets": {"items": ReferenceConfig(files=(str(path),))}, **fields})


def clean(texts: list[str], settings_: ContaminationCleanerConfig) -> tuple[list[str], list[int]]:
    cleaned = CONTAMINATION.clean(column(texts), settings_)
    assert list(cleaned.counts) == ["contaminated_words"]
    assert cleaned.counts["contaminated_words"].dtype == np.int32
    return cleaned.texts.to_pylist(), cleaned.counts["contaminated_words"].tolist()


def words(text: str) -> list[str]:
    found = Texts.from_arrow(pa.array([text], pa.large_string())).words()
    data = text.encode()
    return [data[start:end].decode() for start, end in zip(found.starts, found.ends, strict=True)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("items")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Before it. {ITEM} After it.", "Before it. After it."),
        (f"Before it.\n\n{ITEM.upper()}\nAfter it.", "Before it.\n\n\nAfter it."),
        (f"{ITEM} After it.", "After it."),
        (f"Before it. {ITEM}", "Before it. "),
        (ITEM, ""),
        (f"One: {ITEM} Two: {ITEM} Three.", "One: Two: Three."),
        (f"{ITEM}\n{ITEM}\nend", "\nend"),
        (f"前面。{CHINESE}后面。", "前面。后面。"),
        (f"前{CHINESE}后面。", "前。后面。"),
        (f"前{CHINESE[:-1]}后面。", "前 后面。"),
        (f"x{CHINESE[:-1]}y", "x y"),
        ("There were three of them in the old boat", "There were three of them in the old boat"),
        ("", ""),
    ],
)
def test_what_goes_and_what_stays(folder: Path, text: str, left: str) -> None:
    found, counts = clean(["untouched", text, "untouched"], config(folder, [ITEM, CHINESE]))
    assert found == ["untouched", left, "untouched"]
    assert counts == [0, len(words(text)) - len(words(left)), 0]


def test_a_part_of_an_item_goes_where_it_is_too_much_of_it(folder: Path) -> None:
    item = " ".join(f"word{number}" for number in range(20))
    half, less = " ".join(item.split()[:17]), " ".join(item.split()[:16])
    found, counts = clean([f"so {half} on", f"so {less} on"], config(folder, [item], max_share=0.5))
    assert found == ["so on", f"so {less} on"]
    assert counts == [17, 0]
    assert clean([f"so {less} on"], config(folder, [item], max_share=0.0))[0] == ["so on"]


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=4), st.integers(1, 4), st.sampled_from([0.0, 0.5]))
def test_the_words_that_stay_are_those_that_no_item_covers(
    folder: Path, items: list[str], texts: list[str], ngram: int, max_share: float
) -> None:
    settings_ = config(folder, ["unused", *items], ngram=ngram, min_words=1, max_share=max_share)
    found, counts = clean(texts, settings_)
    measured = overlap(Texts.from_arrow(column(texts)), build([("items", ["unused", *items])], ngram, 1))
    starts, ends = measured.spans(max_share)
    cut = {word for start, end in zip(starts.tolist(), ends.tolist(), strict=True) for word in range(start, end)}
    for row, (text, new) in enumerate(zip(texts, found, strict=True)):
        first = int(measured.words.offsets[row])
        covered = [first + number in cut for number in range(len(words(text)))]
        assert words(new) == [word for word, gone in zip(words(text), covered, strict=True) if not gone]
        assert counts[row] == sum(covered)
        if not any(covered):
            assert new == text


def test_the_very_array_comes_back_where_nothing_is_cut(folder: Path) -> None:
    given_ = column(["some text", "more"])
    assert CONTAMINATION.clean(given_, config(folder, [ITEM])).texts is given_
    assert CONTAMINATION.clean(given_, CONTAMINATION.config()).texts is given_


def test_lower_case_has_the_same_words() -> None:
    """Spans are found in lower case and cut in the text: each character must be in a word in both, or in none."""
    everything = "".join(f" a{chr(code)} {chr(code)}b" for code in range(0x80, 0x20000) if not 0xD800 <= code < 0xE000)
    lower = "".join(character.lower()[0] for character in everything)
    counts = [len(word) for word in words(everything)]
    assert counts == [len(word) for word in words(lower)]


def test_what_decides_texts_is_what_files_hold(folder: Path) -> None:
    one, two = config(folder, [ITEM]), folder / "copy"
    two.mkdir(exist_ok=True)
    assert CONTAMINATION.identity(one) == CONTAMINATION.identity(config(two, [ITEM]))
    assert CONTAMINATION.identity(one) != CONTAMINATION.identity(config(two, [CHINESE]))
    assert CONTAMINATION.identity(one) != CONTAMINATION.identity(config(folder, [ITEM], max_share=0.1))


def test_an_item_file_that_changes_is_read_again(folder: Path) -> None:
    assert clean([f"x {ITEM}"], config(folder, [ITEM]))[0] == ["x "]
    assert clean([f"x {ITEM}"], config(folder, [CHINESE, "some other thing to be found"]))[0] == [f"x {ITEM}"]


def test_items_of_tasks_are_cut(folder: Path) -> None:
    given_ = ContaminationCleanerConfig(sets={"order": OrderConfig(pairs=20)})
    from corpuskit.contamination import items

    item = next(text for text in items.load(given_)["order"] if len(text.split()) > 6)
    assert clean([f"Before. {item} After."], given_)[0] == ["Before. After."]
