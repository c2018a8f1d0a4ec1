"""What the page of a corpus counts and shows: every count recomputed from verdicts and signals, and samples."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from corpora import small_fields
from pipelines_harness import corpus as made_corpus
from pipelines_harness import full, run_plainly

from corpuskit import manifest, policy
from corpuskit.corpus import Corpus
from corpuskit.documents import parts, sidecars
from corpuskit.policy import PolicyConfig
from corpuskit.recipe.load import build
from corpuskit.report.data import Interval
from corpuskit.workflow.inspecting import page_of
from corpuskit.workflow.inspecting.passes import inspect_corpus
from corpuskit.workflow.inspecting.samples import read_rows

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

VARIANTS = {
    "raw": {},
    "groups": {
        "policy": {
            "rules": [
                {
                    "any": [{"signal": "length.words", "min": 60}, {"signal": "gopher.stop_words", "min": 7}],
                    "reason": "thin",
                },
                {"signal": "length.words", "min": 10, "max": 90, "reason": "size"},
                {"signal": "gopher.mean_word_length", "min": 3, "missing": "keep"},
            ]
        }
    },
    "shares": {"policy": {"rules": [{"signal": "length.characters", "highest": "60 %"}]}},
    "own": {
        "clean": [{"step": "c4_lines", "dialect": "c4@datatrove"}],
        "deduplicate": True,
        "policy": {"rules": [{"signal": "clean.c4_sentences", "min": 3}, {"signal": "length.words", "min": 20}]},
    },
}
"""What only some policies have: groups, one reason for two bounds, shares of the corpus, cleaners of their own."""


def silent(_):
    pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Corpus(str(full(tmp_path_factory.getbasetemp()).out))


@pytest.fixture(scope="module")
def special(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    fields = small_fields(made_corpus(base)) | {"variants": VARIANTS, "tokenizers": {}, "signals": ["length", "gopher"]}
    return Corpus(run_plainly(build(fields), tmp_path_factory.mktemp("special") / "out").out)


@pytest.fixture(scope="module")
def found(made):
    return inspect_corpus(made, silent)


def table(corpus, folder, columns=None):
    parts = manifest.read(corpus.documents).parts
    return pa.concat_tables([sidecars.read(folder, part, columns) for part in parts])


def verdicts(corpus, variant):
    rows = table(corpus, corpus.artifact("variant", variant)).to_pylist()
    sizes = table(corpus, corpus.signal_folder("length.bytes", variant), ["length.bytes"]).column(0).to_pylist()
    return [row | {"bytes": size} for row, size in zip(rows, sizes, strict=True)]


def both(rows):
    return [len(rows), sum(row["bytes"] for row in rows)]


@pytest.mark.parametrize("name", ["filtered", "unique", "chinese", "raw"])
def test_the_waterfall_counts_verdicts_one_by_one(name, made, found):
    rows, tally = verdicts(made, name), next(one for one in found.variants if one.name == name).tally
    assert tally.all.tolist() == both(rows)
    assert tally.kept.tolist() == both([row for row in rows if row["kept"]])
    assert tally.passed.tolist() == both([row for row in rows if not row["failed"]])
    for reason in {*tally.reasons, *(reason for row in rows for reason in row["failed"])}:
        expected = {
            "first": [row for row in rows if row["failed"][:1] == [reason]],
            "failed": [row for row in rows if reason in row["failed"]],
            "alone": [row for row in rows if row["failed"] == [reason]],
        }
        for kind, chosen in expected.items():
            assert getattr(tally, kind).get(reason, np.zeros(2)).tolist() == both(chosen), (kind, reason)
    pairs = Counter((one, other) for row in rows for one in row["failed"] for other in row["failed"])
    assert tally.both == dict(pairs)
    copies = Counter(row["reason"] for row in rows if not row["failed"] and not row["kept"])
    assert {reason: int(pair[0]) for reason, pair in tally.copies.items()} == dict(copies)


def test_the_counts_are_those_of_the_variants_manifest(made, found):
    for variant in found.variants:
        counts = variant.manifest.counts
        for kind in ("first", "failed", "alone"):
            sums = {reason: int(pair[0]) for reason, pair in getattr(variant.tally, kind).items() if pair[0]}
            prefix = f"policy.{kind}:"
            assert sums == {
                name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix) and count
            }


@pytest.mark.parametrize("name", ["filtered", "chinese"])
def test_a_what_if_is_what_judging_again_gives(name, made, found):
    """With the threshold changed in the policy, `policy.judge` keeps what the table says."""
    variant = next(one for one in found.variants if one.name == name)
    config = variant.policy
    signals = {signal: table(made, series.folder, [signal]).column(0) for signal, series in variant.series.items()}
    columns = pa.table(signals)
    sizes = np.array(columns.column("size.bytes"))
    assert variant.what_ifs
    for one in variant.what_ifs:
        field = "min" if one.bound.lower else "max"
        assert one.bound.threshold in one.thresholds
        for place, threshold in enumerate(one.thresholds):
            changed = one.bound.rule.model_copy(update={field: threshold})
            rules = tuple(changed if rule == one.bound.rule else rule for rule in config.rules)
            kept = np.array(policy.judge(config.model_copy(update={"rules": rules}), columns).column("kept"))
            assert one.rest[place].tolist() == [kept.sum(), sizes[kept].sum()]
            other = {"max" if field == "min" else "min": None}
            alone = PolicyConfig(rules=(changed.model_copy(update=other),))
            kept = np.array(policy.judge(alone, columns).column("kept"))
            assert one.alone[place].tolist() == [kept.sum(), sizes[kept].sum()]


def test_histograms_hold_every_document_once(made, found):
    for series, histogram in found.histograms.items():
        values = table(made, series.folder, [series.signal]).column(0).drop_null().to_numpy()
        values = values[~np.isnan(values)]
        edges = histogram.edges.astype(values.dtype if values.dtype == np.float32 else float)
        inside = [((values >= low) & (values < high)).sum() for low, high in pairwise(edges)]
        assert histogram.counts.tolist() == inside, series.title
        assert histogram.below == (values < edges[0]).sum()
        assert histogram.above == (values >= edges[-1]).sum()
        assert histogram.above + histogram.below <= max(0.02 * len(values), 2) or histogram.log


def test_breakdowns_add_up(made, found):
    language, source = found.breakdowns
    assert not language.sums, "languages were not measured"
    rows = [row for batch in made.batches(["source"]) for row in batch.to_pylist()]
    assert {name: int(sums[""][0]) for name, sums in source.sums.items()} == Counter(row["source"] for row in rows)
    for variant in found.variants:
        assert (
            sum(sums.get(variant.name, np.zeros(2)) for sums in source.sums.values()).tolist()
            == variant.tally.kept.tolist()
        )
    rest = list(source.largest(1))
    assert [name for name, _ in rest] == ["web", "others"]
    assert sum(sums[""] for _, sums in rest).tolist() == found.variants[0].tally.all.tolist()


def test_samples_fail_their_rule_and_do_not_depend_on_splits(made, tmp_path, tmp_path_factory):
    def samples(corpus):
        return {
            (variant.name, rule.reason): [(sample.title, sample.pieces) for sample in rule.samples]
            for variant in page_of(corpus, silent).variants
            for rule in variant.rules
        }

    found = samples(made)
    fields = made.manifest.extra["recipe"]
    other = build({**json.loads(fields), "split_bytes": 1_000_000, "tokenizers": {}})
    assert samples(Corpus(run_plainly(other, tmp_path / "out").out)) == found
    ids = {row["id"] for row in verdict_ids(made, "filtered", "too_short")}
    chosen = [title for title, _ in found["filtered", "too_short"]]
    assert len(chosen) == 3
    assert set(chosen) <= ids


def verdict_ids(corpus, variant, reason):
    ids = [row for batch in corpus.batches(["id"]) for row in batch.to_pylist()]
    rows = zip(ids, verdicts(corpus, variant), strict=True)
    return [own for own, verdict in rows if reason in verdict["failed"]]


def test_rows_are_read_from_any_batch(tmp_path, monkeypatch, tmp_path_factory):
    monkeypatch.setattr(parts, "GROUP_BYTES", 2_000)
    base = tmp_path_factory.getbasetemp()
    fields = small_fields(made_corpus(base)) | {"variants": {"all": {}}, "tokenizers": {}, "dedup": None}
    corpus = Corpus(run_plainly(build(fields), tmp_path / "out").out)
    part = manifest.read(corpus.documents).parts[0]
    rows = [
        row for batch in parts.read_split(corpus.documents, part["name"], ["id", "text"]) for row in batch.to_pylist()
    ]
    wanted = [0, 3, len(rows) // 2, len(rows) - 1]
    read = read_rows(corpus.documents, part["name"], wanted)
    assert {row: (read[row].id, read[row].text) for row in wanted} == {
        row: (rows[row]["id"], rows[row]["text"]) for row in wanted
    }


def test_offending_parts_are_marked(made):
    page = page_of(made, silent)
    rules = {rule.reason: rule for variant in page.variants if variant.name == "filtered" for rule in variant.rules}
    bullets = rules["gopher.bullet_lines:max"].samples
    assert bullets
    for sample in bullets:
        assert sample.marked.startswith("lines that begin with a bullet")
        assert all(piece.startswith("- ") for piece, is_marked in sample.pieces if is_marked)
        assert ("gopher.bullet_lines", "1 > 0.5") in sample.facts
    assert not rules["too_short"].samples[0].marked


def test_groups_shares_and_own_texts_have_their_place(special):
    page = page_of(special, silent)
    views = {variant.name: {rule.reason: rule for rule in variant.rules} for variant in page.variants}
    assert views["groups"]["thin"].samples
    assert views["groups"]["thin"].tables == ()
    (size,) = {rule.reason for rule in page.variants[page_index(page, "groups")].rules} & {"size"}
    assert all(row[3] is None for row in views["groups"][size].tables[0].rows), "the two bounds are not told apart"
    share = views["shares"]["length.characters:highest"].tables[0]
    bound = manifest.read(special.artifact("variant", "shares")).extra["shares"][0]["threshold"]
    (in_use,) = [row for row in share.rows if "in use" in row[0]]
    assert float(in_use[0].split(" ")[0].replace(",", "")) == bound
    assert in_use[3] == manifest.read(special.artifact("variant", "shares")).counts["passed"]
    titles = [shown.title for shown in page.judged]
    assert "length.words" in titles
    assert "length.words (own)" in titles
    assert "clean.c4_sentences (own)" in titles
    kept = verdicts(special, "own")
    assert (
        f"{sum(row['kept'] for row in kept):,} of {len(kept)} documents"
        in page.variants[page_index(page, "own")].summary
    )


def page_index(page, name):
    return [variant.name for variant in page.variants].index(name)


def test_tables_say_what_the_sums_say(made, found):
    page = page_of(made, silent)
    variant = page.variants[page_index(page, "filtered")]
    tally = next(one for one in found.variants if one.name == "filtered").tally
    waterfall = {row[0]: row[1:] for row in variant.tables[0].rows}
    for reason, pair in tally.first.items():
        assert waterfall[reason][0] == pair[0]
        assert waterfall[reason][1] == Interval(value=pair[1] / 1e6, digits=2)
    for removal in variant.removals:
        assert removal.failed == tally.failed[removal.reason][0]
        assert removal.alone + removal.first == tally.first[removal.reason][0]
    thresholds = {line.label for shown in page.judged for line in shown.thresholds}
    assert "filtered ≤ 0.5" in thresholds


def test_two_bounds_of_one_reason_have_a_table_each_and_samples_of_the_right_one(special):
    page = page_of(special, silent)
    [groups] = [variant for variant in page.variants if variant.name == "groups"]
    [size] = [rule for rule in groups.rules if rule.reason == "size"]
    assert [shown.columns[0] for shown in size.tables] == ["smallest", "largest"]
    facts = [dict(sample.facts)["length.words"] for sample in size.samples]
    assert facts
    for value, sign, threshold in map(str.split, facts):
        assert (float(value) < float(threshold) == 10) if sign == "<" else (float(value) > float(threshold) == 90)
