"""One document's story: found by id, key or URL; every fact as in the artifacts; evidence; clear errors."""

import json
from collections import Counter

import pytest
import typer
from corpora import small_fields
from hypothesis import given
from hypothesis import strategies as st
from pipelines_harness import corpus as made_corpus
from pipelines_harness import full, run_plainly
from typer.testing import CliRunner

from corpuskit import manifest
from corpuskit.cli import Commands, console, explaining
from corpuskit.corpus import Corpus
from corpuskit.documents import sidecars
from corpuskit.errors import InputError
from corpuskit.recipe.load import build
from corpuskit.workflow.explaining import find, story, the_one
from corpuskit.workflow.explaining.differences import MOST_LINES, differences
from corpuskit.workflow.explaining.judgement import judgements

APP = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
APP.callback()(lambda: None)
explaining.register(APP)


def explain(*arguments):
    console.set_quiet(False)
    ended = CliRunner().invoke(APP, ["explain", *map(str, arguments)])
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Corpus(str(full(tmp_path_factory.getbasetemp()).out))


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    variants = {
        "plain": {"policy": {"rules": [{"signal": "length.words", "min": 20, "languages": ["en"]}]}},
        "own": {"clean": [{"step": "c4_lines", "dialect": "c4@datatrove"}], "deduplicate": True},
        "grouped": {
            "policy": {
                "rules": [
                    {"any": [{"signal": "length.words", "max": 5}, {"signal": "length.bytes", "min": 400}]},
                    {"signal": "length.characters", "lowest": 0.5},
                ]
            }
        },
    }
    fields = small_fields(made_corpus(base)) | {"variants": variants, "tokenizers": {}, "clean": ["whitespace"]}
    return Corpus(run_plainly(build(fields), tmp_path_factory.mktemp("cleaned") / "out").out)


@pytest.fixture(scope="module")
def rows(made):
    return [row for batch in made.batches() for row in batch.to_pylist()]


def test_every_document_is_found_by_its_key(made, rows):
    for row in rows[::7]:
        match = the_one(made, row["key"].hex())
        assert (match.id, match.source, match.url) == (row["id"], row["source"], row["url"])
        assert match.key == row["key"]
    assert the_one(made, rows[0]["key"].hex().upper()).key == rows[0]["key"]


def test_ids_and_urls_find_all_that_have_them(made, rows):
    ids, urls = Counter(row["id"] for row in rows), Counter(row["url"] for row in rows if row["url"])
    for wanted, counts in ((id, ids) for id in list(ids)[::13]):
        assert len(find(made, wanted)) == counts[wanted]
    url, count = urls.most_common(1)[0]
    assert count > 1
    assert len(find(made, url)) == count
    taken = find(made, "taken-twice")
    assert len(taken) > 1
    assert len(find(made, "taken-twice", source="news")) < len(taken)


def test_several_matches_are_listed_with_their_keys(made):
    ended = explain(made.folder, "taken-twice")
    assert ended.exit_code == 2
    assert "by its place or key, or give a --source:" in ended.stderr
    assert "by its place or key:" in explain(made.folder, "taken-twice", "--source", "web").stderr
    keys = [match.key.hex() for match in find(made, "taken-twice")]
    assert all(key in ended.stderr for key in keys)
    places = [match.place for match in find(made, "taken-twice")]
    assert len(set(places)) == len(places)
    for place in places:
        assert place in ended.stderr
        told = json.loads(explain(made.folder, place, "--json").stdout)
        assert (told["place"], told["id"]) == (place, "taken-twice")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("doc-1000", "nearest ids: 'doc-100'"),
        ("DOC-17", "nearest ids: 'doc-17"),
        ("nothing like it", "ids look like 'doc-0'"),
        ("0" * 32, "no document has the id, key, url or place"),
        ("part-0000999:0", "no document and no part is named 'part-0000999'; parts: part-0000000"),
        ("part-0000000", "part-0000000 is a part; a place names a row of it too, such as part-0000000:0"),
        ("part-0000000:-1", "part-0000000 has no row -1: it has "),
        ("part-0000000:²", "part-0000000 has no row ²: it has "),
        ("part-0000000:" + "9" * 5000, "9: it has "),
    ],
)
def test_a_document_that_is_not_there_is_an_error_with_the_nearest_ids(wanted, said, made):
    with pytest.raises(InputError) as refused:
        the_one(made, wanted)
    assert said in str(refused.value)
    ended = explain(made.folder, wanted)
    assert ended.exit_code == 2
    assert "Traceback" not in ended.stderr


def test_a_row_beyond_its_part_is_told_with_the_rows_that_there_are(made):
    part = manifest.read(made.documents).parts[0]
    with pytest.raises(
        InputError, match=f"{part['name']} has no row {part['rows']}: it has {part['rows']} rows, count"
    ):
        the_one(made, f"{part['name']}:{part['rows']}")
    assert the_one(made, f"{part['name']}:{part['rows'] - 1}").row == part["rows"] - 1


def test_a_place_is_found_in_its_source_alone(made):
    match = find(made, "taken-twice", source="news")[0]
    assert find(made, match.place, source="news") == [match]
    with pytest.raises(InputError, match=rf"no document of source 'web' has the id, key, url or place '{match.place}'"):
        find(made, match.place, source="web")


def test_an_unknown_source_or_variant_or_folder_is_an_error(made, tmp_path):
    unknown = explain(made.folder, "doc-0", "--source", "wbe").stderr
    assert f"--source: {made.folder} has no source 'wbe'; did you mean 'web'?" in unknown
    assert "no variant 'filterd'" in explain(made.folder, "doc-0", "--text", "--variant", "filterd").stderr
    assert explain(tmp_path, "doc-0").exit_code == 2


def test_the_story_is_what_the_artifacts_say(made, rows):
    parts = manifest.read(made.documents).parts
    for match in [the_one(made, row["key"].hex()) for row in rows[::29]]:
        told, row = story(made, match), rows[sum(part["rows"] for part in parts[: parts.index(match.part)]) + match.row]
        assert told["text"]["characters"] == len(row["text"])
        assert told["metadata"] == (json.loads(row["metadata"]) if row["metadata"] else None)
        assert told["heldout"] == row["heldout"]
        assert told["cleaned"] == []
        for name, value in told["signals"].items():
            column = sidecars.read(made.signal_folder(name, None), match.part, [name]).column(0)
            expected = column[match.row].as_py()
            assert value == (expected if expected is None else pytest.approx(expected, rel=1e-6)), name
        for name, told_verdict in told["variants"].items():
            table = sidecars.read(made.artifact("variant", name), match.part)
            verdict = table.slice(match.row, 1).to_pylist()[0]
            assert {field: told_verdict[field] for field in ("kept", "reason", "failed")} == {
                field: verdict[field] for field in ("kept", "reason", "failed")
            }
            assert [rule["rule"] for rule in told_verdict["rules"] if rule["outcome"] == "failed"] == verdict["failed"]


def test_every_rule_of_every_document_is_told_as_it_was_judged(cleaned):
    """The outcomes that `explain` works out from values are those of the verdicts, for rules of all kinds."""
    every = list(manifest.read(cleaned.documents).parts)
    for name in cleaned.variants:
        variant = manifest.read(cleaned.artifact("variant", name))
        for part in every:
            table = sidecars.read(cleaned.artifact("variant", name), part, ["failed"]).to_pylist()
            lengths = sidecars.read(
                cleaned.signal_folder("size.bytes" if name == "own" else "length.bytes", name), part
            ).to_pylist()
            for verdict, values in zip(table, lengths, strict=True):
                told = judgements(variant, {"language.label": "en", **values}, verdict["failed"])
                failed = [one.rule for one in told if one.outcome == "failed"]
                assert failed == verdict["failed"] or name == "plain", (name, values)


def test_rules_of_other_languages_are_not_judged(cleaned):
    variant = manifest.read(cleaned.artifact("variant", "plain"))
    (rule,) = judgements(variant, {"length.words": 3, "language.label": "zh"}, [])
    assert (rule.outcome, rule.condition) == ("not judged", "in en")
    (rule,) = judgements(variant, {"length.words": 3, "language.label": "en"}, ["length.words:min"])
    assert (rule.outcome, rule.condition, rule.below) == ("failed", "≥ 20", True)
    (rule,) = judgements(variant, {"length.words": None, "language.label": "en"}, ["length.words:missing"])
    assert (rule.rule, rule.outcome) == ("length.words:missing", "failed")


def test_groups_and_shares_are_told(cleaned):
    match = find(cleaned, "doc-0")[0]
    rules = {rule["rule"]: rule for rule in story(cleaned, match)["variants"]["grouped"]["rules"]}
    assert rules["any(length.words, length.bytes)"]["condition"] == "a group of rules"
    bound = manifest.read(cleaned.artifact("variant", "grouped")).extra["shares"][0]["threshold"]
    assert rules["length.characters:lowest"]["condition"] == f"≤ {bound:,.6g}"


def test_what_cleaners_changed_is_told_for_each_text(cleaned):
    rows = [row for batch in cleaned.batches() for row in batch.to_pylist()]
    windows = next(row for row in rows if "windows" in row["text"] and "tabs" in row["text"])
    shared, own = story(cleaned, the_one(cleaned, windows["key"].hex()))["cleaned"]
    assert shared["variants"] == ["grouped", "plain"]
    assert shared["counts"]["whitespace_characters"] == shared["removed_characters"] > 0
    assert any(line.startswith("- ") for line in shared["differences"])
    assert own["variants"] == ["own"]
    assert own["counts"]["c4_no_end_mark"] > 0
    assert own["characters"] == 0


def test_a_cluster_names_its_members_and_the_copy_that_stays(made):
    folder = made.artifact("duplicates", "duplicates")
    for part in manifest.read(made.documents).parts:
        labels = sidecars.read(folder, part, ["cluster"]).column("cluster").to_pylist()
        row = next(row for row, label in enumerate(labels) if label is not None)
        found = the_one(made, f"{part['name']}:{row}")
        (cluster,) = [one for one in story(made, found)["clusters"] if one["kind"] == "texts"]
        assert cluster["size"] == len(cluster["members"]) >= max(labels.count(labels[row]), 2)
        assert found.key.hex() in [member["key"] for member in cluster["members"]]
        first = min(cluster["members"], key=lambda member: member["key"])
        assert first["similarity"] == 1
        assert sum("unique" in member["kept_by"] for member in cluster["members"]) <= 1
        assert cluster["keeps"]["unique"].startswith("the longest of the members")
        assert cluster["keeps"]["raw"].startswith("every copy")


def test_the_terminal_shows_the_story_and_json_holds_it(made):
    shown = explain(made.folder, "doc-0", "--source", "web").stdout
    told = json.loads(explain(made.folder, "doc-0", "--source", "web", "--json").stdout)
    assert told["key"] in shown
    for name, verdict in told["variants"].items():
        assert f"{name}: kept" in shown if verdict["kept"] else f"{name}: left out: {verdict['reason']}" in shown
    assert "gopher.bullet_lines:max" in shown
    assert "length.words" in told["signals"]
    assert "raw" in told["variants"]


def test_the_text_is_printed_with_evidence(made, rows):
    verdicts = [
        row
        for part in manifest.read(made.documents).parts
        for row in sidecars.read(made.artifact("variant", "filtered"), part, ["failed"]).to_pylist()
    ]
    bulleted = next(
        row for row, verdict in zip(rows, verdicts, strict=True) if verdict["failed"] == ["gopher.bullet_lines:max"]
    )
    ended = explain(made.folder, bulleted["key"].hex(), "--text", "--variant", "filtered")
    assert ended.stdout.count("⟦- ") == 25
    assert ended.stdout.replace("⟦", "").replace("⟧", "").strip() == bulleted["text"]
    assert "marked: what fails gopher.bullet_lines:max" in ended.stderr
    found = json.loads(explain(made.folder, bulleted["key"].hex(), "--text", "--json").stdout)
    assert "".join(piece for piece, _ in found["pieces"]) == bulleted["text"]


def test_no_control_characters_of_a_document_reach_the_terminal(made, rows):
    odd = [row for row in rows if "\0" in row["text"] or "\u202e" in row["text"]]
    assert odd
    for row in odd:
        for flags in ((), ("--text",)):
            shown = explain(made.folder, row["key"].hex(), *flags).stdout
            assert not {"\0", "\u202e", "\x1b"} & set(shown)


LINES = st.lists(st.text("ab #", max_size=6), max_size=12).map("\n".join)


@given(LINES, LINES)
def test_differences_are_none_only_between_equal_texts(before, after):
    found = differences(before, after)
    assert (found == []) == (before == after)
    removed = [line[2:] for line in found if line.startswith("- ")]
    added = [line[2:] for line in found if line.startswith("+ ")]
    short = Counter(before.split("\n")) - Counter(removed) + Counter(added)
    assert short == Counter(after.split("\n")), "lines shorter than the cut are whole"


def test_differences_are_cut_to_what_differs():
    before = "x" * 500 + "old" + "y" * 500
    assert differences(before, before.replace("old", "new!")) == [
        f"- …{'x' * 40}old{'y' * 40}…",
        f"+ …{'x' * 40}new!{'y' * 40}…",
    ]
    many = differences("\n".join(f"a{n}" for n in range(100)), "")
    assert len(many) == MOST_LINES + 1
    assert many[-1].startswith("… and ")
    assert "too long to compare" in differences("a" * 300_000, "b")[0]
