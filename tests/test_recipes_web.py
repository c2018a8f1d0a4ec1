"""The recipes for web text, run as a user runs them on real crawl files and on small dumps."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import warc_files
from cli_harness import call
from dumps import ARTICLES, multistream

import corpuskit
from corpuskit import manifest
from corpuskit.corpus import Corpus

RECIPES = Path(__file__).parent.parent / "recipes"
DATA = os.environ.get("CORPUSKIT_TEST_DATA", "")
real = pytest.mark.skipif(not DATA, reason="CORPUSKIT_TEST_DATA is not set")
SENTENCE = "The old bridge over the river was closed for the winter, and the people of the village took the boat. "


def run(recipe: str, paths: Path | list[str], out: Path, *sets: str) -> dict[str, Any]:
    """Run a recipe of this project on other files; return what `--json` prints."""
    given = paths if isinstance(paths, list) else [str(paths)]
    overrides = [f"sources[0].paths={json.dumps(given)}", *sets]
    options = [part for override in overrides for part in ("--set", override)]
    ended = call("run", RECIPES / f"{recipe}.yaml", "--out", out, "--workers", "0", "--json", *options)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def steps(found: dict[str, Any]) -> dict[str, int]:
    return {step["step"].strip(): step["documents"] for step in found["funnel"]}


def errors(out: Path) -> list[dict[str, Any]]:
    folder = Corpus(str(out)).documents
    paths = [path for path in manifest.read(folder).files if path.startswith("errors/")]
    return [row for path in paths for row in pq.read_table(f"{folder}/{path}").to_pylist()]


def rows(out: Path) -> list[dict[str, Any]]:
    return corpuskit.open(str(out)).read(["id", "text", "url", "metadata"]).to_pylist()


# Common Crawl: WARC


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two real WARC files of a wget crawl, and one capture of Common Crawl."""
    folder = tmp_path_factory.mktemp("crawl")
    for name in ("dolma_warc/sample-0000.warc.gz", "dolma_warc/sample-0001.warc.gz"):
        shutil.copy(Path(DATA, "web", name), folder)
    shutil.copy(Path(DATA, "web/commoncrawl_whirlwind/whirlwind.warc.gz"), folder)
    return folder


@pytest.fixture(scope="module")
def prepared(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("commoncrawl") / "out"
    return out, run("commoncrawl", crawl, out)


@real
def test_a_crawl_becomes_documents_variants_and_a_manifest(prepared: tuple[Path, dict[str, Any]]) -> None:
    out, found = prepared
    funnel = steps(found)
    assert funnel["records read"] == 86
    assert funnel["skipped: request"] == 38
    assert funnel["documents"] == 38
    assert funnel["records read"] == funnel["documents"] + sum(
        count for step, count in funnel.items() if step.startswith(("skipped", "malformed"))
    )
    assert set(Corpus(str(out)).variants) == {"raw", "filtered", "c4"}
    assert 0 < funnel["c4: kept"] < funnel["documents"]
    assert found["cleaned"]["clean"]["emails"] > 0
    assert found["cleaned"]["c4"]["c4 no end mark".replace(" ", "_")] > 0
    assert call("verify", out).code == 0


@real
def test_pages_keep_address_date_title_and_charset(prepared: tuple[Path, dict[str, Any]]) -> None:
    table = corpuskit.open(str(prepared[0])).read(["id", "text", "url", "timestamp", "metadata"]).to_pylist()
    wiki = next(row for row in table if row["url"] == "https://an.wikipedia.org/wiki/Escopete")
    assert "Escopete" in wiki["text"]
    assert wiki["timestamp"].year == 2024
    metadata = json.loads(wiki["metadata"])
    assert (metadata["mime"], metadata["http_charset"].lower(), metadata["charset"]) == ("text/html", "utf-8", "utf-8")
    assert metadata["title"].startswith("Escopete")
    assert all(row["url"] and row["timestamp"] for row in table)


@real
def test_the_funnel_is_shown_on_the_screen(crawl: Path, prepared: tuple[Path, dict[str, Any]]) -> None:
    override = f"sources[0].paths={json.dumps([str(crawl)])}"
    ended = call("run", RECIPES / "commoncrawl.yaml", "--out", prepared[0], "--workers", "0", "--set", override)
    for text in ("records read", "skipped: request", "documents", "cleaned", "filtered: kept", "emails"):
        assert text in ended.out
    assert "up to date" in ended.err


@real
def test_a_variant_s_policy_is_that_of_the_document_s_language(prepared: tuple[Path, dict[str, Any]]) -> None:
    found = {drop["reason"] for drop in prepared[1]["dropped"]["filtered"]}
    assert "language.label:in" in found


@real
def test_truncating_a_file_loses_only_its_last_records(
    crawl: Path, prepared: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(crawl, cut)
    whole = (crawl / "sample-0000.warc.gz").read_bytes()
    (cut / "sample-0000.warc.gz").write_bytes(whole[: len(whole) // 2])
    found = run("commoncrawl", cut, tmp_path / "out")
    before, after = rows(prepared[0]), rows(tmp_path / "out")
    lost = len(before) - len(after)
    first = next(row for row, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1])
    assert 0 < lost < 22
    assert after == before[:first] + before[first + lost :]
    (error,) = errors(tmp_path / "out")
    assert error["file"].endswith("sample-0000.warc.gz")
    assert "truncated" in error["message"]
    assert error["offset"] < len(whole) // 2
    assert any("sample-0000" in line for line in found["malformed"])


@real
def test_any_number_of_workers_gives_the_same_files(crawl: Path, prepared: tuple[Path, dict[str, Any]], tmp_path: Path):
    options = ["--set", f"sources[0].paths={json.dumps([str(crawl)])}", "--workers", "2", "--quiet"]
    assert call("run", RECIPES / "commoncrawl.yaml", "--out", tmp_path / "out", *options).code == 0
    first, second = manifest.read(str(prepared[0])), manifest.read(str(tmp_path / "out"))
    assert first.fingerprint == second.fingerprint
    for kind, named in first.extra["artifacts"].items():
        for name, folder in named.items():
            files = [manifest.read(str(root / folder)).files for root in (prepared[0], tmp_path / "out")]
            assert files[0] == files[1], (kind, name)


@real
def test_the_other_engine(crawl: Path, tmp_path: Path) -> None:
    found = run("commoncrawl", crawl, tmp_path / "out", "extract.engine=resiliparse")
    assert steps(found)["documents"] == 38


# Common Crawl: WET


def wet_file(path: Path) -> Path:
    """Two captures of one page, a copy of it elsewhere, and what a crawl has around."""
    english = SENTENCE * 12
    chinese = (
        "这座老桥在冬天关闭了，村里的人们坐船过河。他们说，今年的雪比去年还要大，路上很滑。到了春天，工人开始修理木板，"
        "孩子站在岸边观看。老师告诉大家，一百多年前商队从这里经过，带来茶叶和布匹。后来公路建成，客栈逐渐没落，"
        "只有石碑留下当时的名字。六月份，桥重新开放，镇长剪彩，音乐响到深夜。"
    )
    texts = [english + "first.", english + "second.", english, "Menu\nHome\n" + chinese, ""]
    urls = [
        "http://example.com/page",
        "https://www.example.com/page#top",
        "http://other.example/",
        "http://zh.example/",
    ]
    records = [warc_files.wet(number, text) for number, text in enumerate(texts)]
    for number, url in enumerate(urls):
        records[number] = records[number].replace(f"https://example.org/{number}".encode(), url.encode())
    path.write_bytes(warc_files.pack(records, "gzip"))
    return path


def test_wet_files_are_text_already(tmp_path: Path) -> None:
    found = run("wet", wet_file(tmp_path / "crawl.warc.wet.gz"), tmp_path / "out")
    assert steps(found)["documents"] == 5
    kept = corpuskit.open(str(tmp_path / "out")).read(["text"], variant="filtered").column("text").to_pylist()
    assert any("老桥" in text for text in kept)


@real
def test_the_real_wet_file(tmp_path: Path) -> None:
    found = run("wet", Path(DATA, "web/commoncrawl_whirlwind/whirlwind.warc.wet.gz"), tmp_path / "out")
    assert steps(found)["documents"] == 1
    assert "Escopete" in rows(tmp_path / "out")[0]["text"]


# Wikipedia


def test_a_dump_becomes_articles(tmp_path: Path) -> None:
    (tmp_path / "wiki.xml.bz2").write_bytes(multistream(ARTICLES))
    found = run("wikipedia", tmp_path / "wiki.xml.bz2", tmp_path / "out", "split_bytes=1 KB")
    table = rows(tmp_path / "out")
    ada = next(row for row in table if json.loads(row["metadata"])["title"] == "Ada Lovelace")
    assert ada["text"].startswith("Ada was a writer of programs.")
    assert ada["url"].endswith("/wiki/Ada_Lovelace")
    assert steps(found)["skipped: redirect"] == 1
    assert len(table) == steps(found)["documents"]


# a folder of HTML


PAGE = "<html><head><title>Bridge</title></head><body><nav>Home About</nav><article>{}</article></body></html>"


def test_a_folder_of_pages(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        paragraphs = "".join(f"<p>{SENTENCE * 2}{number}</p>" for _ in range(6))
        (tmp_path / "in" / f"{number}.html").write_text(PAGE.format(paragraphs))
    (tmp_path / "in" / "empty.html").write_text("")
    found = run("html_folder", tmp_path / "in", tmp_path / "out", "max_error_rate=0.5")
    assert steps(found)["documents"] == 3
    assert [error["message"] for error in errors(tmp_path / "out")] == ["empty file"]
    assert all(SENTENCE.strip() in row["text"] for row in rows(tmp_path / "out"))


@real
def test_no_page_of_the_hand_labelled_set_is_lost(tmp_path: Path) -> None:
    found = run("html_folder", Path(DATA, "web/article_extraction/html"), tmp_path / "out")
    table = rows(tmp_path / "out")
    assert steps(found)["documents"] == len(table) == 90
    assert all(row["text"].strip() for row in table)
