"""What a recipe says of contamination: names, defaults, rules, signals, and mistakes."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from corpuskit import signals
from corpuskit.contamination import ContaminationConfig, DecontaminateConfig, ReferenceConfig, items, loading
from corpuskit.errors import InputError, RecipeError
from corpuskit.kernels import Texts
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.signals import SIGNALS
from corpuskit.tasks import load
from corpuskit.tasks.texts import scored_texts, training_texts

TASKS = {"order": {"kind": "order", "pairs": 20}, "topic": {"kind": "topic"}}


def recipe(**fields: Any) -> Recipe:
    return build({"name": "x", "sources": [{"name": "x", "paths": ["x"]}], "tasks": TASKS, **fields})


def test_all_tasks_but_those_of_the_corpus_itself_are_looked_for() -> None:
    found = recipe(decontaminate={"references": {"extra": "items.txt"}})
    assert list(found.matching.sets(found.tasks)) == ["order", "extra"]
    assert found.matching.references["extra"].files == ("items.txt",)
    assert "contamination" in found.signal_groups
    names = {name for name in found.known_signals(found.variants["all"]) if name.startswith("contamination.")}
    assert names == {f"contamination.{name}{end}" for name in ("order", "extra") for end in ("", "_ngrams")}


def test_nothing_is_measured_unless_it_is_asked_for() -> None:
    assert "contamination" not in recipe().signal_groups
    assert "contamination" in recipe(signals=["contamination"]).signal_groups
    assert "contamination" in recipe(variants={"a": {"decontaminate": "drop"}}).signal_groups
    assert "contamination" not in recipe(variants={"a": {"decontaminate": "cut"}}).signal_groups
    rules = [{"signal": "contamination.order", "max": 0.2}]
    assert "contamination" in recipe(variants={"a": {"policy": {"rules": rules}}}).signal_groups


def test_drop_is_a_rule_for_each_signal_after_the_variant_s_own() -> None:
    own = {"policy": {"rules": [{"signal": "length.words", "min": 5}]}, "decontaminate": "drop"}
    found = recipe(variants={"a": own, "b": {}}, decontaminate={"max_share": "70 %", "minhash": True})
    rules = found.judged_variants["a"].policy.rules
    assert [(rule.signal, rule.max, rule.missing) for rule in rules[1:]] == [
        ("contamination.order", 0.7, "fail"),
        ("contamination.order_similarity", 0.5, "keep"),
    ]
    assert rules[0].signal == "length.words"
    assert found.judged_variants["b"] == found.variants["b"]
    assert build(found.plain()) == found


def test_cut_is_a_cleaner_after_the_variant_s_own() -> None:
    found = recipe(variants={"a": {"clean": ["nfc"], "decontaminate": "cut"}}, decontaminate={"max_share": 0.2})
    nfc, cut = found.cleaners(found.variants["a"])
    assert nfc.step == "nfc"
    assert cut.step == "contamination"
    assert cut.max_share == 0.2
    assert list(cut.sets) == ["order"]
    assert "clean.contaminated_words" in found.known_signals(found.variants["a"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"decontaminate": {"tasks": ["ordr"]}}, r"decontaminate.tasks\[0\]: no task is named 'ordr'.*'order'"),
        ({"decontaminate": {"tasks": ["topic"]}}, r"decontaminate.tasks\[0\].*held-out documents"),
        ({"decontaminate": {"tasks": []}}, "decontaminate: there are no items to look for"),
        ({"tasks": {}, "variants": {"a": {"decontaminate": "drop"}}}, "variants.a.decontaminate: there are no items"),
        ({"tasks": {}, "signals": ["contamination"]}, r"signals\[0\].*name some in `tasks`"),
        ({"variants": {"a": {"decontaminate": "none"}}}, "variants.a.decontaminate: expected 'drop' or 'cut'"),
        ({"decontaminate": {"references": {"order": "x"}}}, "decontaminate.references.order: a task has that name"),
        ({"decontaminate": {"references": {"order_ngrams": "x"}}}, "references.order_ngrams: a signal of 'order'"),
        ({"decontaminate": {"references": {"a b": "x"}}}, "decontaminate.references: 'a b' is not a name"),
        ({"decontaminate": {"min_words": 14}}, "`min_words` 14 is above `ngram` 13"),
        ({"decontaminate": {"max_share": 1}}, "decontaminate.max_share: expected less than 1"),
        ({"decontaminate": {"ngram": 0}}, "decontaminate.ngram: expected at least 1"),
        ({"decontaminate": {"references": {"a": []}}}, "references.a: expected a list of 1 or more"),
        (
            {"variants": {"a": {"policy": {"rules": [{"signal": "contamination.ordr", "max": 1}]}}}},
            "unknown signal 'contamination.ordr'; a recipe names tasks under `tasks`.*contamination.order",
        ),
    ],
)
def test_mistakes_name_their_place(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=f"(?s){message}"):
        recipe(**fields)


# items


def reference(path: Path, **fields: Any) -> ContaminationConfig:
    return ContaminationConfig(sets={"own": ReferenceConfig(files=(str(path),), **fields)})


def test_the_scored_texts_of_tasks_and_with_an_option_those_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "labelled.csv"
    path.write_text("".join(f"{number % 2},text {number}\n" for number in range(40)))
    tasks = {"own": {"kind": "labelled", "train": str(path), "text": 1, "label": 0}}
    task = load(recipe(tasks=tasks).tasks["own"])
    scored, trained = scored_texts(task), training_texts(task)
    assert set(scored) | set(trained) == {f"text {number}" for number in range(40)}
    assert not set(scored) & set(trained)
    for training_rows, expected in ((False, scored), (True, scored + trained)):
        config = recipe(tasks=tasks, decontaminate={"training_rows": training_rows}).signal_configs["contamination"]
        assert isinstance(config, ContaminationConfig)
        assert items.load(config) == {"own": expected}
    pairs = load(recipe().tasks["order"])
    assert scored_texts(pairs) == tuple(pair.good for pair in pairs.pairs)
    assert training_texts(pairs) == ()


def test_reference_files(tmp_path: Path) -> None:
    lines, tsv, jsonl = tmp_path / "a.txt", tmp_path / "b.tsv", tmp_path / "c.jsonl"
    lines.write_text("one item\n\nanother\n")
    tsv.write_text("id\tquestion\tanswer\n1\twhy?\tso\n2\thow?\tthus\n")
    jsonl.write_text('{"text": "from json"}\n{"text": "and more"}\n')
    assert items.load(reference(lines)) == {"own": ("one item", "another")}
    assert items.load(reference(tsv, fields=("question", "answer"))) == {"own": ("why?\nso", "how?\nthus")}
    assert items.load(reference(jsonl)) == {"own": ("from json", "and more")}
    assert items.load(reference(tmp_path, fields=("text",)).model_copy(update={"sets": {}})) == {}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"txt": "x"}', r"a.jsonl:1: expected text in the field 'text'; the fields are txt"),
        ("a.tsv", "question\nwhy?", "a.tsv: the header has no column 'text'"),
        ("a.tsv", "id\ttext\n1\n", "a.tsv:2: 1 columns, expected 2"),
        ("a.txt", "\n", "decontaminate.references.own: the files hold no text"),
        ("a.txt", "caf\xe9", "a.txt:1: byte 0xe9 is not utf-8"),
    ],
)
def test_broken_reference_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        items.load(reference(tmp_path / name))


def test_identity_is_the_content_not_the_path(tmp_path: Path) -> None:
    for name, text in (("a.txt", "some item"), ("b.txt", "some item"), ("c.txt", "another")):
        (tmp_path / name).write_text(text)
    a, b, c = (loading.identity(reference(tmp_path / name)) for name in ("a.txt", "b.txt", "c.txt"))
    assert a == b
    assert a != c
    assert str(tmp_path) not in str(a)


# signals


def test_signals_of_a_group(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one item of just six words\nshort\n")
    config = reference(tmp_path / "a.txt").model_copy(update={"minhash": True})
    texts = Texts.from_arrow(pa.array(["One item, of just SIX words.", "one item of just six", "", "…"]))
    found = signals.compute(["contamination"], texts, {"contamination": config})
    assert found.to_pydict() == {
        "contamination.own": [1.0, 0.0, 0.0, 0.0],
        "contamination.own_ngrams": [1, 0, 0, 0],
        "contamination.own_similarity": [1.0, pytest.approx(0.75, abs=0.15), None, None],
    }
    assert found.schema == signals.schema(["contamination"], {"contamination": config})


def test_the_group_has_no_signals_of_its_own() -> None:
    assert SIGNALS["contamination"].columns() == {}
    with pytest.raises(RecipeError, match="name some in `tasks`"):
        signals.schema(["contamination"])


def test_defaults_are_those_of_gpt_3_and_of_the_documentation() -> None:
    config = DecontaminateConfig()
    assert (config.ngram, config.min_words, config.training_rows) == (13, 5, False)
    assert config.max_share == config.max_similarity == 0.5
