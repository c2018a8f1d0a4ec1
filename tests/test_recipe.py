"""Recipes: what is accepted, and what is said about each mistake."""

import copy
from pathlib import Path

import pytest
import yaml

from corpuskit.errors import InputError, RecipeError
from corpuskit.recipe import Recipe, load, schema
from corpuskit.recipe.load import build

BASE = {
    "name": "small",
    "sources": [{"name": "acl", "paths": "data/*.zst"}],
    "variants": {"raw": {}, "strict": {"policy": {"rules": [{"signal": "gopher.words", "min": 50}]}}},
    "tokenizers": {"bpe": {"type": "bpe", "vocab_size": 2048, "train_on": "strict"}},
    "tasks": {"agreement": {"kind": "agreement"}},
    "compare": {"seeds": [0, 1]},
}


def changed(*path, value):
    """`BASE` with one field set."""
    data = copy.deepcopy(BASE)
    node = data
    for key in path[:-1]:
        node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
    node[path[-1]] = value
    return data


RULE = ("variants", "strict", "policy", "rules", 0)
MISTAKES = {
    "an unknown section": (("varaints",), {}, "varaints: unknown field; did you mean 'variants'?"),
    "an unknown field of a variant": (
        ("variants", "strict", "deduplicat"),
        True,
        "variants.strict.deduplicat: unknown field; did you mean 'deduplicate'?",
    ),
    "an unknown field of a rule": (
        (*RULE, "maxx"),
        3,
        "variants.strict.policy.rules[0].maxx: unknown field; did you mean 'max'?",
    ),
    "an unknown field of a source": (
        ("sources", 0, "path"),
        "x",
        "sources[0].path: unknown field; did you mean 'paths'?",
    ),
    "an unknown field of a task": (
        ("tasks", "agreement", "seeed"),
        1,
        "tasks.agreement.seeed: unknown field; did you mean 'seed'?",
    ),
    "a field of another kind of task": (
        ("tasks", "agreement", "excerpts"),
        1,
        "tasks.agreement.excerpts: unknown field; known: ",
    ),
    "text for a number": (
        (*RULE, "max"),
        "many",
        "variants.strict.policy.rules[0].max: expected a number, given 'many'",
    ),
    "a fraction for a whole number": (
        ("tokenizers", "bpe", "vocab_size"),
        1.5,
        "tokenizers.bpe.vocab_size: expected a whole number, given 1.5",
    ),
    "text for a list": (("compare", "seeds"), "0,1", "compare.seeds: expected a list, given '0,1'"),
    "fields for a list": (("sources",), {"name": "x"}, "sources: expected a list, given fields with values"),
    "nothing for fields": (("variants",), None, "variants: expected fields with values, given nothing"),
    "an unquoted no": (
        ("languages",),
        [False],
        "languages[0]: expected text, given false (YAML reads yes, no, on and off so: put the text in quotes)",
    ),
    "a list that is empty": (("sources",), [], "sources: expected a list of 1 or more, given []"),
    "a number out of range": (("max_error_rate",), 3, "max_error_rate: expected at most 1.0, given 3"),
    "a size without a known unit": (
        ("split_bytes",),
        "2 MuB",
        "split_bytes: '2 MuB' is not a size; write a number with one of KB, MB, GB, TB, KiB, MiB, GiB",
    ),
    "an unknown choice": (
        ("tokenizers", "bpe", "type"),
        "bp",
        "tokenizers.bpe.type: expected 'bpe', 'wordpiece' or 'unigram', given 'bp'",
    ),
    "an unknown format": (("sources", 0, "format"), "csv", "sources[0].format: expected 'auto', 'jsonl', "),
    "an unknown kind of task": (
        ("tasks", "x"),
        {"kind": "agrement"},
        "tasks.x.kind: unknown kind 'agrement'; did you mean 'agreement'?",
    ),
    "a task without a kind": (("tasks", "x"), {}, "tasks.x.kind: this field is required"),
    "a task without its files": (
        ("tasks", "x"),
        {"kind": "labelled", "trian": "a.csv"},
        "tasks.x.train: this field is required\ntasks.x.trian: unknown field; did you mean 'train'?",
    ),
    "an unknown preset": (
        ("variants", "raw", "policy"),
        {"preset": "gophr"},
        "variants.raw.policy.preset: unknown preset 'gophr'; did you mean 'gopher'?",
    ),
    "a preset for another language": (
        ("variants", "raw", "policy"),
        {"preset": "zh"},
        "variants.raw.policy.preset: preset 'zh' is meant for zh, ",
    ),
    "an unknown signal": (
        (*RULE, "signal"),
        "gopher.wrds",
        "variants.strict.policy.rules[0].signal: unknown signal 'gopher.wrds'; did you mean 'gopher.words'?",
    ),
    "an unknown signal group": (
        ("signals",),
        ["lengt"],
        "signals[0]: unknown signal group 'lengt'; did you mean 'length'?",
    ),
    "an unknown variant": (
        ("tokenizers", "bpe", "train_on"),
        "strickt",
        "tokenizers.bpe.train_on: no variant is named 'strickt'; did you mean 'strict'?",
    ),
    "an unknown baseline": (
        ("compare", "baseline"),
        {"tokenizer": "bpee", "variant": "raw"},
        "compare.baseline.tokenizer: no tokenizer is named 'bpee'; did you mean 'bpe'?",
    ),
    "a name with a space": (
        ("variants", "a b"),
        {},
        "variants: 'a b' is not a name: letters, digits, `_`, `.`, `+` are allowed",
    ),
    "a signal's name with a dot": (
        ("classifiers",),
        {"a.b": "models/good"},
        "classifiers: 'a.b' is not a name: a letter, then letters, digits and `_` are allowed",
    ),
    "a classifier's name that is taken": (
        ("classifiers",),
        {"good_logit": "models/good"},
        "classifiers: 'good_logit' is not a name: names of log-odds end with _logit, others do not",
    ),
    "a group that has signals by name alone": (
        ("signals",),
        ["word_list"],
        "signals[0]: the group 'word_list' has no signals: name some in `word_lists`",
    ),
    "a model that cannot be": (
        ("model",),
        {"width": 100, "heads": 3},
        "model: width 100 does not give each of 3 heads an even number of channels",
    ),
    "a vocabulary that is too small": (
        ("tokenizers", "bpe", "vocab_size"),
        9,
        "tokenizers.bpe: vocab_size 9 is too small for bpe: ",
    ),
    "duplicates that are not looked for": (("dedup",), None, ""),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_named_with_its_place(what):
    path, value, message = MISTAKES[what]
    data = changed(*path, value=value)
    if not message:
        data["variants"]["raw"]["deduplicate"] = True
        message = "variants.raw.deduplicate: `dedup` is null"
    with pytest.raises(RecipeError) as raised:
        build(data)
    text = str(raised.value)
    if message.endswith((": ", ", ", "null")):
        assert text.startswith(message)
    else:
        assert text == message
    assert "BaseModel" not in text
    assert "pydantic" not in text


def test_all_mistakes_come_at_once_each_in_a_line():
    data = changed("max_error_rate", value=3) | {"foo": 1}
    data["sources"][0]["bytes"] = 4
    with pytest.raises(RecipeError) as raised:
        build(data)
    places = [line.split(":")[0] for line in str(raised.value).splitlines()]
    assert sorted(places) == ["foo", "max_error_rate", "sources[0].bytes"]


def written(folder: Path, data=BASE) -> str:
    path = folder / "my recipe.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return str(path)


FILES = {
    "": "expected fields with values, found nothing",
    "- a\n- b\n": "expected fields with values, found a list",
    "just text": "expected fields with values, found text",
    "1: 2\n": "expected names of fields, found a number",
    "name: [x\nsources: []\n": "not YAML: expected ',' or ']', but got ':' (line 2, column 8)",
    "name: x\nsources: []\nname: y\n": "not YAML: 'name' is given twice (line 3, column 1)",
    "variants:\n  raw: {}\n  raw: {deduplicate: true}\n": "not YAML: 'raw' is given twice (line 3, column 3)",
    "name: \x00": "not YAML: ",
}


@pytest.mark.parametrize("text", FILES)
def test_a_file_that_is_no_recipe_is_refused_by_its_name(text, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(RecipeError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: {FILES[text]}")


def test_files_that_cannot_be_read_are_errors_of_the_input(tmp_path):
    for path in (tmp_path, tmp_path / "missing.yaml"):
        with pytest.raises(InputError, match=str(path)):
            load(str(path))


def test_a_recipe_without_a_name_is_called_like_its_file(tmp_path):
    data = {name: value for name, value in BASE.items() if name != "name"}
    assert load(written(tmp_path, data)).name == "my_recipe"


def test_anchors_and_merges_are_yaml_too(tmp_path):
    text = yaml.safe_dump(BASE) + "model: &m {layers: 1}\npretrain: {clip: 2}\n"
    text = text.replace("pretrain: {clip: 2}", "downstream: {<<: {epochs: 3}, l2: 1}")
    assert load(written(tmp_path, text)).downstream.epochs == 3


OVERRIDES = {
    "pretrain.budget_bytes=10MB": lambda recipe: recipe.pretrain.budget_bytes == 10_000_000,
    "compare.seeds=[3, 4]": lambda recipe: recipe.compare.seeds == (3, 4),
    "compare.seeds[1]=7": lambda recipe: recipe.compare.seeds == (0, 7),
    "sources[0].max_bytes=1 MB": lambda recipe: recipe.sources[0].max_bytes == 1_000_000,
    "variants.strict.policy.rules[0].min=7": lambda recipe: recipe.variants["strict"].policy.rules[0].min == 7,
    "variants.new={deduplicate: true}": lambda recipe: recipe.variants["new"].deduplicate,
    "dedup.ngram=7": lambda recipe: recipe.dedup.ngram == 7,
    "dedup=null": lambda recipe: recipe.dedup is None,
    "name=other": lambda recipe: recipe.name == "other",
    "sources[0].separator=a=b": lambda recipe: recipe.sources[0].separator == "a=b",
}


@pytest.mark.parametrize("override", OVERRIDES)
def test_any_field_can_be_overridden(override, tmp_path):
    assert OVERRIDES[override](load(written(tmp_path), [override]))


WRONG_OVERRIDES = {
    "x": "--set: expected path=value, such as pretrain.budget_bytes=10MB, given 'x'",
    "=3": "--set: expected path=value, such as pretrain.budget_bytes=10MB, given '=3'",
    "a..b=3": "--set: expected path=value, such as pretrain.budget_bytes=10MB, given 'a..b=3'",
    "sources[a].name=3": "--set: expected path=value, such as pretrain.budget_bytes=10MB, given 'sources[a].name=3'",
    "variants.strickt.deduplicate=true": "--set: variants.strickt: no variant has that name; did you mean 'strict'?",
    "tokenizers.wp.vocab_size=9": "--set: tokenizers.wp: no tokenizer has that name; known: bpe",
    "sources[3].name=x": "--set: sources[3]: there is no such place: sources holds 1 entries, from [0] on",
    "sources.name=x": "--set: sources.name: there is no such place: sources holds 1 entries, from [0] on",
    "name.x=3": "--set: name.x: there is no such place: name holds text",
    "compare.seeds=[0": "--set: compare.seeds: '[0' is not YAML: expected ',' or ']', but got '<stream end>' "
    "(line 1, column 3)",
    "variants.strict.polcy={}": "variants.strict.polcy: unknown field; did you mean 'policy'?",
    "pretrain.budget=1MB": "pretrain.budget: unknown field; did you mean 'budget_bytes'?",
}


@pytest.mark.parametrize("override", WRONG_OVERRIDES)
def test_a_wrong_override_is_named(override, tmp_path):
    with pytest.raises(RecipeError) as raised:
        load(written(tmp_path), [override])
    assert str(raised.value) == WRONG_OVERRIDES[override]


def test_the_schema_describes_every_field():
    def descriptions(model):
        properties = model["properties"].values()
        return [field.get("description") or "$ref" in field or "allOf" in field for field in properties]

    found = schema()
    models = [found, *(model for model in found["$defs"].values() if "properties" in model)]
    assert all(all(descriptions(model)) for model in models)


def test_plain_data_gives_the_same_recipe_again():
    recipe = build(copy.deepcopy(BASE))
    assert Recipe.model_validate(recipe.plain()) == recipe
