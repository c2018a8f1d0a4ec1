"""Cutting what a corpus repeats: equal to the slow rules, whatever the splits, partitions, order and hashes."""

import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cut_oracle import Document, by_id, cut, texts_of, write
from engine_harness import snapshot
from hostile import hostile_options
from hypothesis import given, settings
from hypothesis import strategies as st
from pipelines_harness import Plainly
from pydantic import TypeAdapter, ValidationError

from corpuskit import manifest
from corpuskit.dedup.inside import AnyCut, CutConfig, Units, windows
from corpuskit.dedup.inside.normalized import Hashed
from corpuskit.manifest import Marker
from pipelines.cut import step, target
from pipelines.engine import Attempt, Engine, EngineOptions
from pipelines.engine.phase import Work

CONFIGS: dict[str, Any] = {
    "lines": {"step": "repeated_lines", "min_words": 1, "min_characters": 1},
    "exact lines": {"step": "repeated_lines", "min_words": 0, "min_characters": 1, "normalize": False},
    "long lines": {"step": "repeated_lines", "min_words": 2, "min_characters": 3},
    "frequent lines": {"step": "repeated_lines", "keep": "none", "over": 2, "min_words": 1, "min_characters": 1},
    "paragraphs": {"step": "repeated_paragraphs", "min_words": 1, "min_characters": 1},
    "spans": {"step": "repeated_spans", "sentences": 2, "min_words": 0},
    "exact spans": {"step": "repeated_spans", "sentences": 3, "min_words": 3, "normalize": False},
    "substrings": {"step": "repeated_substrings", "tokens": 5},
}
PIECES = [*"ab", "c d", "A", "é", "中", "文", *"12 ", "\n", "\n\n", "\r\n", ". ", "。", "!", '"', ", ", "\u3000", "-"]
TEXT = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=20)
DOCUMENT = st.builds(
    Document,
    st.integers(0, 30).map(str),
    TEXT,
    kept=st.sampled_from([True, True, True, False]),
    heldout=st.sampled_from([False, False, False, True]),
)
SPLITS = st.lists(st.lists(DOCUMENT, max_size=6), min_size=1, max_size=4)


def config_of(fields: Any) -> AnyCut:
    return TypeAdapter(CutConfig).validate_python(fields)


def run(folder: Path, splits: Sequence[Sequence[Document]], config: AnyCut, **options: Any) -> list[str]:
    made = write(folder, splits)
    place = target(1, made.variant, config, made.documents, str(folder))
    Plainly().run(step(place, config, made.documents.folder, made.variant.folder, **options))
    return texts_of(place.folder)


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=40, deadline=None)
@given(splits=SPLITS, partitions=st.sampled_from([1, 2, 7]), memory=st.sampled_from([1, 1000, 10**9]))
def test_what_is_left_is_what_the_rules_leave(
    name: str, splits: list[list[Document]], partitions: int, memory: int
) -> None:
    documents = [document for split in splits for document in split]
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), splits, config_of(CONFIGS[name]), partitions=partitions, memory=memory)
    expected = cut(documents, config_of(CONFIGS[name]))
    assert by_id(documents, found) == by_id(documents, expected)


# what must not matter


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def prose(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices([f"w{first}{second}" for first in LETTERS for second in LETTERS], k=words)) + "."


def corpus(seed: int = 1) -> list[Document]:
    """Documents that share lines, sentences and passages: English, Chinese, with CRLF, empty and one within itself."""
    dice = random.Random(seed)
    shared = [prose(dice, 60) for _ in range(5)]
    chinese = [
        "".join(dice.choices("的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出", k=70)) for _ in range(3)
    ]
    texts = []
    for number in range(60):
        lines = [prose(dice, 20), dice.choice(shared), prose(dice, 5), dice.choice(chinese) + "。", prose(dice, 30)]
        dice.shuffle(lines)
        texts.append(("\r\n" if number % 7 == 0 else "\n\n" if number % 3 == 0 else "\n").join(lines))
    texts += [
        shared[0],
        chinese[1],
        "",
        "",
        " \n",
        f"{shared[2]} {prose(dice, 10)} {shared[2]} {shared[2]}",
        "the " * 300,
    ]
    return [
        Document(f"{number % 50}", text, kept=number % 11 != 3, heldout=number % 13 == 5)
        for number, text in enumerate(texts)
    ]


def halves(documents: list[Document], size: int) -> list[list[Document]]:
    return [documents[start : start + size] for start in range(0, len(documents), size)]


STEPS = ["lines", "frequent lines", "paragraphs", "spans", "substrings"]


@pytest.mark.parametrize("name", STEPS)
def test_order_splits_and_partitions_change_nothing(tmp_path: Path, name: str) -> None:
    documents, config = corpus(), config_of(CONFIGS[name])
    expected = by_id(documents, cut(documents, config))
    assert sum(before != after for _, before, after in expected) > 5
    for number, (size, partitions, memory) in enumerate(
        [(1000, 1, 10**9), (7, 5, 10**5), (20, 64, 5000), (1, 2, 10**9)]
    ):
        random.Random(number).shuffle(documents)
        found = run(tmp_path / str(number), halves(documents, size), config, partitions=partitions, memory=memory)
        assert by_id(documents, found) == expected


@pytest.mark.parametrize("against", [[], ["heldout"]])
@pytest.mark.parametrize("name", ["lines", "substrings"])
def test_workers_and_partitions_give_the_same_files(tmp_path: Path, name: str, against: list[str]) -> None:
    made, config = write(tmp_path, halves(corpus(), 20)), config_of(CONFIGS[name] | {"against": against})
    snapshots = []
    for number, (workers, partitions) in enumerate([(0, 1), (0, 64), (1, 7), (2, None)]):
        place = target(1, made.variant, config, made.documents, str(tmp_path / str(number)))
        planned = step(place, config, made.documents.folder, made.variant.folder, partitions=partitions)
        with Engine(EngineOptions(workers=workers)) as engine:
            engine.run(planned)
        assert not (Path(place.folder) / "work").exists()
        files = snapshot(Path(place.folder))
        del files["manifest.json"]  # it links nothing, but the parts link their base by a relative path
        snapshots.append(files)
    parts = {f"part-{number:07d}.parquet" for number in range(4)}
    assert snapshots[0].keys() == parts | {f"references/{part}" for part in parts if against}
    assert all(files == snapshots[0] for files in snapshots)


def test_a_hostile_runner_cuts_the_same(tmp_path: Path) -> None:
    made, config = write(tmp_path, halves(corpus(), 20)), config_of(CONFIGS["substrings"])
    places = [target(1, made.variant, config, made.documents, str(tmp_path / one)) for one in ("a", "b")]
    Plainly().run(step(places[0], config, made.documents.folder, made.variant.folder))
    with Engine(hostile_options()) as engine:
        engine.run(step(places[1], config, made.documents.folder, made.variant.folder, partitions=3))
    assert texts_of(places[0].folder) == texts_of(places[1].folder)
    assert manifest.read(places[0].folder).counts == manifest.read(places[1].folder).counts


def dying(attempt: Attempt, *, work: Work, phase: str, log: str) -> Marker:
    """Do an item's work; the first time, die between its files and its marker."""
    marker = work(attempt)
    item = f"{phase} {attempt.item.name}\n"
    first = not Path(log).exists() or item not in Path(log).read_text()
    with open(log, "a") as file:
        file.write(item)
    if first:
        raise KeyboardInterrupt
    return marker


@pytest.mark.parametrize(("against", "scanned"), [([], 4), (["heldout"], 8)])
def test_a_run_that_dies_at_any_item_goes_on_with_the_others(tmp_path: Path, against: list[str], scanned: int) -> None:
    made, config = write(tmp_path, halves(corpus(), 20)), config_of(CONFIGS["substrings"] | {"against": against})
    place = target(1, made.variant, config, made.documents, str(tmp_path / "out"))
    planned = step(place, config, made.documents.folder, made.variant.folder, partitions=2)
    work = [partial(dying, work=phase.work, phase=phase.name, log=str(tmp_path / "log")) for phase in planned.phases]
    phases = tuple(replace(phase, work=one) for phase, one in zip(planned.phases, work, strict=True))
    with Engine(EngineOptions(workers=0)) as engine:
        for _ in range(50):
            try:
                engine.run(replace(planned, phases=phases))
                break
            except KeyboardInterrupt:
                continue
    ran = (tmp_path / "log").read_text().splitlines()
    assert len(ran) == 2 * len(set(ran)) == 2 * (2 * scanned + 2 * 4 + 2), "each item died once and ran once more"
    assert texts_of(place.folder) == cut([one for half in halves(corpus(), 20) for one in half], config)


def test_a_run_that_goes_on_with_other_memory_reads_no_file_of_other_partitions(tmp_path: Path) -> None:
    made, config = write(tmp_path, halves(corpus(), 20)), config_of(CONFIGS["substrings"])
    place = target(1, made.variant, config, made.documents, str(tmp_path / "out"))
    for partitions, phase in ((2, "scan-2"), (3, "scan-3"), (2, "write")):
        planned = step(place, config, made.documents.folder, made.variant.folder, partitions=partitions)
        names = [one.name for one in planned.phases]
        phases = planned.phases[: names.index(phase) + 1]
        stops = () if phase == "write" else (replace(phases[-1], name="stop", work=stopping),)
        with Engine(EngineOptions(workers=0)) as engine:
            try:
                engine.run(replace(planned, phases=(*phases, *stops)))
            except KeyboardInterrupt:
                continue
    assert texts_of(place.folder) == cut([one for half in halves(corpus(), 20) for one in half], config)


def stopping(attempt: Attempt) -> Marker:
    raise KeyboardInterrupt


# hashes that collide


def test_windows_whose_hashes_collide_cut_nothing_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = windows.window_hashes
    monkeypatch.setattr(windows, "window_hashes", lambda words, size: hashes(words, size) & np.uint64(0xF << 32 | 3))
    documents, config = corpus(), config_of({"step": "repeated_substrings", "tokens": 50})
    made = write(tmp_path, halves(documents, 20))
    place = target(1, made.variant, config, made.documents, str(tmp_path))
    Plainly().run(step(place, config, made.documents.folder, made.variant.folder, partitions=3))
    counts = manifest.read(place.folder).counts
    assert counts["cut.unconfirmed"] > 1000
    assert counts["cut.pieces"] > 0, "the very first windows are found all the same"
    for one, left, least in zip(documents, texts_of(place.folder), cut(documents, config), strict=True):
        lost = Counter(one.text) - Counter(left)
        assert lost <= Counter(one.text) - Counter(least)
        if one.text == least:
            assert left == one.text


@pytest.mark.parametrize("name", ["lines", "frequent lines", "paragraphs", "spans"])
def test_units_whose_hashes_collide_are_told_apart(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = windows.hash_units

    def colliding(spans: Units, normalize: bool) -> Hashed:
        return (hashed := exact(spans, normalize))._replace(hashes=hashed.hashes & np.uint64(1 << 63 | 1))

    monkeypatch.setattr(windows, "hash_units", colliding)
    documents, config = corpus(), config_of(CONFIGS[name])
    assert run(tmp_path, halves(documents, 20), config, partitions=3) == cut(documents, config)


# shapes of documents


@pytest.mark.parametrize("name", STEPS)
def test_a_large_document_beside_empty_ones(tmp_path: Path, name: str) -> None:
    dice = random.Random(3)
    lines = [prose(dice, 12) for _ in range(300)]
    large = "\n\n".join(lines * 700)
    assert len(large) > 10_000_000
    documents = [Document("0", ""), Document("1", large), Document("2", ""), Document("3", lines[7])]
    found = run(tmp_path, [documents], config_of(CONFIGS[name]))
    first, _ = sorted([documents[1], documents[3]], key=lambda one: one.order)
    if name == "frequent lines":
        assert found == ["", "", "", ""]
    elif name in ("spans", "substrings"):
        assert found[0] == found[2] == ""
        assert len(found[1]) < len(large) / 300
        assert sum(line in found[1] for line in lines) > 290
    else:
        kept = lines if first is documents[1] else [line for line in lines if line != lines[7]]
        assert found == ["", "\n\n".join(kept) if name == "paragraphs" else found[1], "", found[3]]
        assert [line for line in found[1].split("\n") if line] == kept
        assert found[3] == ("" if first is documents[1] else lines[7])


def test_a_passage_within_one_document_keeps_its_first_occurrence(tmp_path: Path) -> None:
    dice = random.Random(5)
    passage, rest = prose(dice, 200).rstrip("."), prose(dice, 30)
    found = run(
        tmp_path, [[Document("0", f"{passage}; {rest} {passage}! {passage}")]], config_of("repeated_substrings")
    )
    assert found == [f"{passage}; {rest} ! "]


@pytest.mark.parametrize(
    ("text", "fields", "left"),
    [
        ("the " * 300 + "end", {"step": "repeated_substrings"}, "the " * 50 + " end"),
        ("ab cd ef " * 9 + "gh", {"step": "repeated_substrings", "tokens": 5}, "ab cd ef ab cd  gh"),
        ("Go on. " * 5, {"step": "repeated_spans", "sentences": 2, "min_words": 0}, "Go on. Go on. "),
    ],
)
def test_a_copy_that_begins_inside_what_it_repeats_leaves_that_whole(
    tmp_path: Path, text: str, fields: dict[str, Any], left: str
) -> None:
    assert run(tmp_path, [[Document("0", text)]], config_of(fields)) == [left]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Copy. One. Copy.  Two.", "Copy. One. Two."),
        ("Copy. One.  Copy. Two.", "Copy. One.  Two."),
        ("Copy. One. Copy.\nTwo.", "Copy. One.\nTwo."),
        ("Copy. One.\nCopy. Two.", "Copy. One.\nTwo."),
        ("Copy. One.\n\nCopy. Copy.\n", "Copy. One.\n"),
    ],
)
def test_of_what_parts_sentences_the_right_side_stays(tmp_path: Path, text: str, left: str) -> None:
    config = config_of({"step": "repeated_spans", "sentences": 1, "min_words": 0})
    assert run(tmp_path, [[Document("0", text)]], config) == [left]


def test_carriage_returns_go_with_their_lines(tmp_path: Path) -> None:
    line = "the very same line of more than eight words in all"
    documents = [Document("0", f"{line}\r\nfirst one\r\n"), Document("1", f"{line.upper()}!\r\nsecond one\r\n")]
    left = run(tmp_path, [documents], config_of("repeated_lines"))
    expected = [f"{line}\r\nfirst one\r\n", "second one\r\n"]
    if documents[1].order < documents[0].order:
        expected = ["first one\r\n", documents[1].text]
    assert left == expected


def test_more_memory_makes_fewer_partitions(tmp_path: Path) -> None:
    made, config = write(tmp_path, [[Document("0", "word " * 2000)]]), config_of("repeated_substrings")
    place = target(1, made.variant, config, made.documents, str(tmp_path))
    for memory, partitions in ((10**9, 1), (20_000, 6), (2_000, 54)):
        planned = step(place, config, made.documents.folder, made.variant.folder, memory)
        assert [len(phase.items) for phase in planned.phases] == [1, partitions, 1, 1, 1]


# recipes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"step": "repeated_lines", "keep": "none"}, "say `over`"),
        ({"step": "repeated_paragraphs", "over": 3}, "belongs to `keep: none`"),
        ({"step": "repeated_substrings", "tokens": 4}, "greater than or equal to 5"),
        ("repeated_words", "repeated_words"),
        ({"step": "repeated_spans", "own": False}, "nothing is cut"),
        ({"step": "repeated_lines", "keep": "none", "over": 2, "own": False, "against": ["heldout"]}, "`keep: none`"),
        ({"step": "repeated_substrings", "against": ["april", "april"]}, "twice"),
    ],
)
def test_mistakes_are_told(fields: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config_of(fields)
