"""`corpuskit extract` and `corpuskit clean`, as a user calls them."""

import json
from pathlib import Path

import orjson
import pytest
import warc_files
from cli_harness import Called, call

from corpuskit import manifest

SENTENCE = "The old bridge over the river was closed for the winter, and the people of the village took the boat. "
PAGE = f"<html><head><title>T</title></head><body><article>{f'<p>{SENTENCE}</p>' * 8}</article></body></html>"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def alone(*arguments: object) -> Called:
    ended = call(*arguments, "--workers", "0")
    assert ended.code == 0, ended.err
    return ended


def lines(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("engine", ["trafilatura", "resiliparse"])
def test_extract_writes_the_text_of_pages(here: Path, engine: str) -> None:
    records = [warc_files.response(number, PAGE.encode()) for number in range(3)]
    (here / "crawl.warc.gz").write_bytes(warc_files.pack(records, "gzip"))
    ended = alone("extract", "crawl.warc.gz", "--engine", engine, "--out", "out", "--export", "pages.jsonl")
    assert "records read" in ended.out
    assert "3 documents written to pages.jsonl" in ended.err
    rows = lines(here / "pages.jsonl")
    assert [row["url"] for row in rows] == [f"https://example.org/{number}" for number in range(3)]
    assert all(SENTENCE.strip() in str(row["text"]) for row in rows)


def test_broken_pages_are_named_on_the_screen(here: Path) -> None:
    records = [warc_files.response(number, body) for number, body in enumerate([PAGE.encode(), b""])]
    (here / "crawl.warc").write_bytes(b"".join(records))
    ended = alone("extract", "crawl.warc")
    assert "malformed: crawl.warc, offset" in ended.out
    assert "empty payload" in ended.out


def test_a_page_over_the_time_limit_does_not_stop_the_run(here: Path) -> None:
    slow = b"<html><body>" + b"<div>" * 40_000 + b"x" + b"</body></html>"
    records = [warc_files.response(number, body) for number, body in enumerate([slow, PAGE.encode()])]
    (here / "crawl.warc").write_bytes(b"".join(records))
    found = json.loads(alone("extract", "crawl.warc", "--time-limit", "0.2", "--json").out)
    assert next(step["documents"] for step in found["funnel"] if step["step"] == "documents") >= 1


def test_clean_counts_and_exports(here: Path) -> None:
    texts = ["Write to jane@example.com now.  ", "cafÃ© culture", "fine"]
    (here / "in.jsonl").write_bytes(b"\n".join(orjson.dumps({"text": text}) for text in texts))
    found = json.loads(alone("clean", "in.jsonl", "--export", "clean.jsonl", "--json").out)
    assert found["cleaned"]["clean"] == {"changed documents": 2, "mojibake": 1, "emails": 1, "whitespace_characters": 2}
    assert [row["text"] for row in lines(here / "clean.jsonl")] == ["Write to <EMAIL> now.", "café culture", "fine"]


def test_chosen_steps_alone_are_applied(here: Path) -> None:
    (here / "in.jsonl").write_bytes(orjson.dumps({"text": "jane@example.com  "}))
    alone("clean", "in.jsonl", "--steps", "whitespace", "--export", "clean.jsonl")
    assert lines(here / "clean.jsonl")[0]["text"] == "jane@example.com"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clean", "in.jsonl", "--steps", "pii,whitespcae"], "--steps"),
        (["extract", "in.html", "--engine", "trafilature"], "--engine"),
        (["extract", "in.html", "--time-limit", "-1"], "--time-limit"),
        (["extract", "in.html", "--format", "wrac"], "--format"),
        (["extract", "in.jsonl"], "nothing to extract"),
        (["clean", "in.jsonl", "--steps", ","], "--steps"),
        (["extract", "missing.warc"], "missing.warc"),
        (["clean", "in.jsonl", "--export", "x.csv"], "--export"),
    ],
)
def test_mistakes_are_named_in_the_user_s_terms(here: Path, arguments: list[str], message: str) -> None:
    (here / "in.jsonl").write_bytes(orjson.dumps({"text": "x"}))
    (here / "in.html").write_text(PAGE)
    ended = call(*arguments, "--workers", "0")
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_an_archive_without_pages_says_what_it_holds(here: Path) -> None:
    records = [warc_files.response(number, b"GIF89a", "Content-Type: image/gif") for number in range(3)]
    (here / "crawl.warc").write_bytes(b"".join(records))
    ended = call("extract", "crawl.warc", "--workers", "0")
    assert ended.code == 2
    assert "no documents" in ended.err
    assert "not HTML: image/gif (3)" in " ".join(ended.err.split())


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("ftfy", ["clean", "in.jsonl"]),
        ("stop-words", ["annotate", "in.jsonl", "--signals", "language"]),
        ("fastwarc", ["extract", "crawl.warc"]),
    ],
)
def test_a_missing_package_is_named_before_anything_runs(
    here: Path, monkeypatch: pytest.MonkeyPatch, package: str, arguments: list[str]
) -> None:
    (here / "in.jsonl").write_bytes(orjson.dumps({"text": "x"}))
    (here / "crawl.warc").write_bytes(warc_files.response(0, PAGE.encode()))
    version = manifest._version
    monkeypatch.setattr(manifest, "_version", lambda name: "absent" if name == package else version(name))
    ended = call(*arguments, "--workers", "0")
    assert ended.code == 2
    assert f"needs the package {package}: pip install 'corpuskit[web]'" in " ".join(ended.err.split())
    assert not list(here.glob("out/documents-*"))
