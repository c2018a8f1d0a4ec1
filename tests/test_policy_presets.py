"""Presets: their thresholds, what they drop, several of them, and leaving out some of their rules."""

from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from corpuskit import policy
from corpuskit.errors import RecipeError
from corpuskit.kernels import Texts
from corpuskit.policy import PRESETS, PolicyConfig, judge
from corpuskit.recipe.load import build, schema
from corpuskit.signals import compute, known_signals


def places(config: PolicyConfig) -> list[tuple[str, str]]:
    return [(place, rule.signal) for place, rule in policy.active_rules(config)]


def signals_of(preset: str) -> list[str]:
    return [rule.signal for rule in PRESETS[preset].rules]


# thresholds, as their sources print them

Bounds = tuple[str, float | None, float | None]

QUALITY: list[Bounds] = [
    ("words", 50, 100_000),
    ("mean_word_length", 3, 10),
    ("hash_ratio", None, 0.1),
    ("ellipsis_ratio", None, 0.1),
    ("bullet_lines", None, 0.9),
    ("ellipsis_lines", None, 0.3),
    ("alpha_words", 0.8, None),
    ("stop_words", 2, None),
]
REPETITION: list[Bounds] = [
    ("duplicate_paragraphs", None, 0.30),
    ("duplicate_paragraph_characters", None, 0.20),
    ("duplicate_lines", None, 0.30),
    ("duplicate_line_characters", None, 0.20),
    ("top_2_gram", None, 0.20),
    ("top_3_gram", None, 0.18),
    ("top_4_gram", None, 0.16),
    ("duplicate_5_grams", None, 0.15),
    ("duplicate_6_grams", None, 0.14),
    ("duplicate_7_grams", None, 0.13),
    ("duplicate_8_grams", None, 0.12),
    ("duplicate_9_grams", None, 0.11),
    ("duplicate_10_grams", None, 0.10),
]
FINEWEB: list[Bounds] = [
    ("end_mark_lines", 0.12, None),
    ("short_lines", None, 0.67),
    ("duplicate_line_characters", None, 0.01),
    ("newlines_per_word", None, 0.3),
]


def c4(sentences: int) -> list[Bounds]:
    return [("lorem_ipsum", None, 0), ("curly_bracket", None, 0), ("sentences", sentences, None)]


TABLES: dict[str, list[tuple[str, list[Bounds]]]] = {
    "gopher": [("gopher", QUALITY), ("gopher", REPETITION)],
    "gopher@datatrove": [("gopher@datatrove", REPETITION), ("gopher@datatrove", QUALITY)],
    "c4": [("c4", c4(5))],
    "c4@datatrove": [("c4@datatrove", c4(5))],
    "c4@tfds": [("c4@tfds", c4(3))],
    "fineweb@datatrove": [("fineweb@datatrove", FINEWEB)],
    "fineweb": [
        ("gopher@datatrove", REPETITION),
        ("gopher@datatrove", QUALITY),
        ("c4@fineweb", c4(5)),
        ("fineweb@datatrove", FINEWEB),
    ],
    "refinedweb": [("gopher", QUALITY), ("gopher", REPETITION), ("refinedweb", [("flagged_words", None, 0.05)])],
}


@pytest.mark.parametrize("preset", TABLES)
def test_a_preset_has_the_thresholds_of_its_source_in_order(preset: str) -> None:
    expected = [(f"{group}.{name}", low, high) for group, bounds in TABLES[preset] for name, low, high in bounds]
    assert [(rule.signal, rule.min, rule.max) for rule in PRESETS[preset].rules] == expected
    assert all(rule.missing == "fail" for rule in PRESETS[preset].rules)
    assert PRESETS[preset].languages == ("en", "eng")


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_judge_signals_that_exist(preset: str) -> None:
    policy.check(PolicyConfig.model_validate({"preset": preset}), [], known=known_signals())


def test_raw_is_another_name_for_none() -> None:
    assert PRESETS["raw"] is PRESETS["none"]
    assert not PRESETS["raw"].rules


# what they drop

PROSE = (
    "It is a truth that the best of us have been to school, and the rest, with care, read at home. My aunt kept a shop "
    "near the harbour where sailors bought rope and tea. In winter she lit one lamp, counted her coins twice, then "
    "told us stories about storms that nobody else remembered. We believed each of them. Later I learned how little "
    "was invented, because old newspapers in the town library spoke of the same wrecks."
)
CHINESE = (
    "今天天气很好，我们一起去公园散步。孩子们在草地上放风筝，老人坐在长椅上聊天、下棋。湖边的柳树刚刚发芽，几只野鸭慢慢游过桥洞。"
    "姑姑带来了自己做的点心，大家分着吃，都说味道不错。傍晚起风了，天边出现晚霞，我们才依依不舍地收拾东西，沿着小路走回家。"
)
DROPPED: dict[str, dict[str, list[str]]] = {
    "gopher": {
        PROSE: [],
        "These stay small": ["gopher.words:min", "gopher.stop_words:min"],
        "# comment " * 30: ["gopher.hash_ratio:max", "gopher.alpha_words:min", "gopher.stop_words:min"],
        "- It is a truth that the best of us have been to school.\n\n" * 10: ["gopher.bullet_lines:max"],
        PROSE.replace(".", "...\n").replace(",", "...\n"): ["gopher.ellipsis_ratio:max", "gopher.ellipsis_lines:max"],
        "the and " * 50_001: ["gopher.words:max"],
        "word - here now " * 50: ["gopher.alpha_words:min", "gopher.stop_words:min"],
        "the a of " * 50: ["gopher.mean_word_length:min"],
        CHINESE: ["gopher.words:min", "gopher.mean_word_length:max", "gopher.stop_words:min"],
    },
    "zh": {
        CHINESE: [],
        "太短了。": ["length.characters:min"],
        PROSE: ["composition.cjk_ratio:min"],
        "首页 新闻 登录 注册 " * 30: ["composition.punctuation_ratio:min", "composition.unique_words:min"],
        CHINESE.replace("，", "！！！！！！！！"): ["composition.punctuation_ratio:max"],
    },
}
"""Preset -> text -> the rules that drop it, besides those of repetition."""


def failed_by(preset: str, texts: list[str]) -> list[list[str]]:
    """The reasons of each text, but for missing values."""
    config = PolicyConfig.model_validate({"preset": preset})
    signals = compute(sorted(policy.signals_needed(config)), Texts.from_arrow(pa.array(texts)))
    found = judge(config, signals)["failed"].to_pylist()
    return [[reason for reason in reasons if not reason.endswith(":missing")] for reasons in found]


def test_gopher_keeps_exact_ties() -> None:
    without = [signal for signal in signals_of("gopher") if is_repetition(signal)]
    config = PolicyConfig.model_validate({"preset": "gopher", "without": without})
    words = ["the", "and"] + ["word"] * 98
    lines = [" ".join(words)] + ["word..."] * 3 + ["word"] * 6
    texts = [[*words[:90], *["#"] * 10], [*words[:89], *["#"] * 11]]
    batch = [*map(" ".join, texts), "\n".join(lines), "\n".join([*lines, "word..."])]
    verdicts = judge(config, compute(["gopher"], Texts.from_arrow(pa.array(batch))))
    assert verdicts["reason"].to_pylist() == [None, "gopher.hash_ratio:max", None, "gopher.ellipsis_lines:max"]


def is_repetition(reason: str) -> bool:
    return reason.split(".")[1].startswith(("duplicate_", "top_"))


@pytest.mark.parametrize("preset", sorted(DROPPED))
def test_presets_drop_what_they_are_made_to_drop(preset: str) -> None:
    for text, failed in zip(DROPPED[preset], failed_by(preset, list(DROPPED[preset])), strict=True):
        assert [reason for reason in failed if not is_repetition(reason)] == DROPPED[preset][text], text[:40]


REPEATED = {
    "gopher": {
        PROSE: [],
        f"{PROSE}\n\n{PROSE}": ["gopher.duplicate_paragraphs:max", "gopher.duplicate_paragraph_characters:max"],
        PROSE + "\nSubscribe to us" * 40: ["gopher.duplicate_lines:max", "gopher.duplicate_line_characters:max"],
        PROSE + " buy now" * 50: ["gopher.top_2_gram:max", "gopher.top_3_gram:max", "gopher.top_4_gram:max"],
    },
    "zh": {
        CHINESE: [],
        CHINESE * 2: ["repetition.duplicate_5_grams:max", "repetition.duplicate_10_grams:max"],
        CHINESE + "\n点击登录" * 30: ["repetition.duplicate_lines:max", "repetition.duplicate_line_characters:max"],
        CHINESE + "哈" * 90: ["repetition.top_2_gram:max", "repetition.top_3_gram:max", "repetition.top_4_gram:max"],
    },
}
"""Preset -> text -> rules of repetition that drop it, among others."""


@pytest.mark.parametrize("preset", sorted(REPEATED))
def test_presets_drop_what_repeats_itself(preset: str) -> None:
    for text, failed in zip(REPEATED[preset], failed_by(preset, list(REPEATED[preset])), strict=True):
        assert set(REPEATED[preset][text]) <= set(failed), text[-40:]
        assert bool(failed) == bool(REPEATED[preset][text])


PAGE = "\n".join(f"{sentence}." for sentence in PROSE.split(". "))


@pytest.mark.parametrize("preset", ["c4", "c4@datatrove", "c4@tfds"])
def test_the_presets_of_c4_drop_pages(preset: str) -> None:
    texts = [
        PAGE,
        "Too short a page.\nTwo lines it has.",
        f"{PAGE}\nThis is a line with a {{ in it.",
        PAGE.replace(".", ""),
    ]
    found = failed_by(preset, [*texts, f"{PAGE}\nThe words lorem ipsum are in this one."])
    few, curly, lorem = (f"{preset}.{name}" for name in ("sentences:min", "curly_bracket:max", "lorem_ipsum:max"))
    assert found == [[], [few], [curly], [few], [lorem]]


def test_lines_need_no_end_mark_in_fineweb() -> None:
    page = PAGE.replace(".\n", "\n")
    assert failed_by("c4@datatrove", [page]) == [["c4@datatrove.sentences:min"]]
    assert [reason for reason in failed_by("fineweb", [page])[0] if reason.startswith("c4")] == []


# several presets


def test_presets_are_tried_one_after_the_other() -> None:
    config = PolicyConfig.model_validate(
        {"preset": ["urls", "gopher"], "rules": [{"signal": "length.words", "min": 1}]}
    )
    urls = [("preset[0]", signal) for signal in signals_of("urls")]
    gopher = [("preset[1]", signal) for signal in signals_of("gopher")]
    assert places(config) == [*urls, *gopher, ("rules[0]", "length.words")]


def test_a_preset_may_stand_in_a_list_or_by_itself() -> None:
    one, listed = (PolicyConfig.model_validate({"preset": preset}) for preset in ("zh", ["zh"]))
    assert one == listed
    assert {place for place, _ in places(one)} == {"preset"}
    assert places(PolicyConfig(preset=())) == places(PolicyConfig(preset="none")) == places(PolicyConfig()) == []
    assert PolicyConfig.model_validate(one.plain()) == one


def test_the_schema_of_recipes_takes_both() -> None:
    found = schema()["$defs"]["PolicyConfig"]["properties"]["preset"]
    assert {kind["type"] for kind in found["anyOf"]} == {"string", "array"}


def test_each_preset_is_for_its_languages() -> None:
    both = PolicyConfig.model_validate({"preset": ["urls", "zh", "gopher"]})
    with pytest.raises(RecipeError, match=r"^p\.preset: preset 'gopher' is meant for en, eng, but .* declares zh"):
        policy.check(both, ["zh"], "p")
    with pytest.raises(RecipeError, match=r"^p\.preset: preset 'zh' is meant for"):
        policy.check(both, iter(["en"]), "p")


@pytest.mark.parametrize("preset", ["gofer", ["urls", "gofer"]])
def test_an_unknown_preset_is_named(preset: Any) -> None:
    with pytest.raises(RecipeError) as raised:
        recipe_with({"preset": preset})
    assert str(raised.value) == "variants.v.policy.preset: unknown preset 'gofer'; did you mean 'gopher'?"


def recipe_with(fields: dict[str, Any]) -> None:
    build({"name": "r", "sources": [{"name": "s", "paths": "x"}], "variants": {"v": {"policy": fields}}})


# leaving rules out


def test_a_rule_of_a_preset_is_relaxed_by_leaving_it_out() -> None:
    relaxed = PolicyConfig.model_validate(
        {"preset": "zh", "without": ["length.characters"], "rules": [{"signal": "length.characters", "min": 5}]}
    )
    found = places(relaxed)
    assert ("preset", "length.characters") not in found
    assert len(found) == len(PRESETS["zh"].rules)
    signals = {name: pa.array([0.25, 0.9], pa.float32()) for name in signals_of("zh")}
    columns = pa.table({**signals, "composition.cjk_ratio": [0.9, 0.9], "length.characters": [7, 4]})
    keep = PolicyConfig.model_validate({**relaxed.model_dump(), "without": [*set(signals_of("zh"))]})
    assert judge(keep, columns)["reason"].to_pylist() == [None, "length.characters:min"]


def test_rules_are_left_out_of_all_presets_of_their_policy_alone() -> None:
    config = PolicyConfig.model_validate(
        {
            "preset": ["gopher", "gopher"],
            "without": ["gopher.words"],
            "by_language": {"en": {"preset": "gopher", "without": ["gopher.hash_ratio"]}},
        }
    )
    found = places(config)
    assert ("preset[0]", "gopher.words") not in found
    assert ("preset[1]", "gopher.words") not in found
    assert ("by_language.en.preset", "gopher.words") in found
    assert ("by_language.en.preset", "gopher.hash_ratio") not in found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"preset": "gopher", "without": ["gopher.stop_wrods"]},
            "'gopher.stop_wrods'; did you mean 'gopher.stop_words'?",
        ),
        ({"preset": "urls", "without": ["gopher.words"]}, "'gopher.words'; "),
        ({"without": ["gopher.words"]}, "'gopher.words'; known: none"),
        (
            {"rules": [{"signal": "length.words", "min": 1}], "without": ["length.words"]},
            "'length.words'; known: none",
        ),
    ],
)
def test_only_rules_of_the_preset_can_be_left_out(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match="no rule of the preset judges"):
        PolicyConfig.model_validate(fields)
    with pytest.raises(RecipeError) as raised:
        recipe_with(fields)
    assert str(raised.value).startswith(f"variants.v.policy: `without`: no rule of the preset judges {message}")
