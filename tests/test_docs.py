"""Docs cannot rot: generated tables, recipes, commands, names, columns, links and Python examples against the code."""

import ast
import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import fsspec
import orjson
import pytest
import typer
import yaml

import benchmarks
import corpuskit
from corpuskit import config, documents, policy
from corpuskit.clean import CLEANERS
from corpuskit.cli import app
from corpuskit.contamination import ContaminationConfig
from corpuskit.policy import PRESETS, PolicyConfig
from corpuskit.recipe import Recipe, load
from corpuskit.recipe.load import build
from corpuskit.shards import Header
from corpuskit.signals import SIGNALS, ClassifierConfig, WordListConfig, known_signals
from corpuskit.tasks import OrderConfig
from corpuskit.tokenization import RESERVED, RESERVED_NAMES, SENTINELS
from corpuskit.tokenization.config import SMALLEST
from corpuskit.workflow.flow import Flow
from pipelines.engine import Engine, EngineOptions

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md")])
MINIMAL = {"name": "minimal", "sources": [{"name": "mine", "paths": ["data/"]}]}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
FILES = {"html", "json", "md", "model", "parquet", "pt", "py", "toml", "txt", "yaml"}
SHELL = ("", "bash", "sh", "console")

spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
assert spec
assert spec.loader
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str


NAMED = {
    "classifier": ClassifierConfig(models={"good": ""}),
    "word_list": WordListConfig(lists={"bad": ""}),
    "contamination": ContaminationConfig(sets={"sentiment": OrderConfig()}, minhash=True),
}
"""The classifier, the word list and the task that pages speak of."""


def blocks(*languages: str) -> list[Block]:
    found = [Block(name_of(page), *match.groups()) for page in PAGES for match in FENCE.finditer(page.read_text())]
    return [block for block in found if block.language in languages]


def spans(page: Path) -> list[str]:
    """Code spans of a page's prose and tables."""
    return CODE.findall(FENCE.sub("", page.read_text()))


# generated tables


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_generated_tables_are_up_to_date(page: Path) -> None:
    text = page.read_text()
    assert tables.rewritten(text) == text, "run: python docs/tables.py"


def test_every_generated_table_is_on_a_page() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for name in tables.TABLES:
        assert f"<!-- generated: {name} -->" in text


# recipes


def whole_recipe() -> dict:
    return next(data for block in blocks("yaml") if "sources" in (data := yaml.safe_load(block.text)))


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.page)
def test_yaml_blocks_are_recipes_or_parts_of_one(block: Block) -> None:
    data = yaml.safe_load(block.text)
    if set(data) <= set(PolicyConfig.model_fields):
        policy.check_signals(PolicyConfig(**data), known_signals(NAMED))
    else:
        build({**MINIMAL, **data})


@pytest.mark.parametrize("path", sorted([*ROOT.glob("recipes/*.yaml"), *DOCS.rglob("*.yaml")]), ids=name_of)
def test_recipe_files_load(path: Path) -> None:
    load(str(path))


def test_the_whole_recipe_shows_every_section() -> None:
    assert set(whole_recipe()) == set(Recipe.model_fields)


def places() -> dict[str, set[str]]:
    """Return section -> names of its fields, for places such as `pretrain` and `variants.<name>.policy`."""
    found: dict[str, set[str]] = {}
    for section in tables.sections():
        fields = {field.alias or name for name, field in section.model.model_fields.items()}
        found.setdefault(section.path.split(" (")[0], set()).update(fields)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_dotted_names_in_prose_are_signals_or_recipe_fields(page: Path) -> None:
    known = places()
    counts = {count for cleaner in CLEANERS.values() for count in cleaner.counts}
    for span in spans(page):
        if not re.fullmatch(r"[a-z_]+\.[a-z_]+", span):
            continue
        first, second = span.split(".")
        if second in FILES or (first == "pretrain" and importlib.util.find_spec(span)):
            continue
        if first == "clean":
            assert second in counts, span
        elif first in SIGNALS or first in known:  # `language` is a group of signals and a section of recipes
            assert span in known_signals(NAMED) or second in known.get(first, ()), span


# commands


class Line(NamedTuple):
    """One call of `corpuskit` on a page."""

    page: str
    words: tuple[str, ...]


def calls(page: str, shell: str) -> Iterator[Line]:
    for line in shell.replace("\\\n", " ").splitlines():
        if not re.search(r"(^|[\s;|&])corpuskit ", line):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();|&")
        lexer.whitespace_split = True
        words = list(lexer)
        while "corpuskit" in words:
            words = words[words.index("corpuskit") + 1 :]
            end = next((i for i, word in enumerate(words) if word[0] in ";|&>()"), len(words))
            yield Line(page, tuple(words[:end]))


def block_calls() -> list[Line]:
    return [line for block in blocks(*SHELL) for line in calls(block.page, block.text)]


def span_calls() -> list[Line]:
    return [
        line
        for page in PAGES
        for span in spans(page)
        if span.startswith("corpuskit ")
        for line in calls(name_of(page), span)
    ]


def resolve(words: tuple[str, ...]) -> tuple[typer.core.TyperCommand, tuple[str, ...]]:
    """Return the command that the first words name, and the others."""
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words, "a command is missing"
        assert words[0] in command.commands, f"{words[0]} is no command"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("line", block_calls(), ids=lambda line: f"{line.page}: {' '.join(line.words)}")
def test_commands_in_blocks_parse(line: Line) -> None:
    command, words = resolve(line.words)
    given = command.make_context("corpuskit", list(words)).params
    if given.get("signals"):
        assert set(given["signals"].split(",")) <= set(SIGNALS)
    if given.get("steps"):
        assert set(given["steps"].split(",")) <= set(CLEANERS)
    if given.get("policy"):
        assert given["policy"] in PRESETS or given["policy"].endswith(".yaml")
    for size in ("split_bytes", "max_train_bytes"):
        if given.get(size):
            assert config.parse_bytes(given[size]) > 0


@pytest.mark.parametrize("line", block_calls(), ids=lambda line: f"{line.page}: {' '.join(line.words)}")
def test_overrides_in_blocks_name_fields(line: Line, tmp_path: Path) -> None:
    command, words = resolve(line.words)
    overrides = command.make_context("corpuskit", list(words)).params.get("set_") or []
    base = tmp_path / "recipe.yaml"
    base.write_bytes(orjson.dumps(whole_recipe()))
    load(str(base), overrides)


@pytest.mark.parametrize("line", span_calls(), ids=lambda line: f"{line.page}: {' '.join(line.words)}")
def test_commands_in_prose_exist(line: Line) -> None:
    if line.words[0].startswith("…"):
        return
    command, words = resolve(line.words)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in words if word.startswith("-")} <= known


def test_every_command_is_documented() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for name in typer.main.get_command(app).commands:
        assert re.search(rf"(corpuskit|·) `?{name}\b|`{name} ", text), name


# columns, ids, links


def schemas() -> list[tuple[str, str, str]]:
    """Return (page, dotted name, table) of every table of columns."""
    pattern = re.compile(r"<!-- schema: (\S+) -->\n((?:\|.*\n)+)")
    return [(name_of(page), *match.groups()) for page in PAGES for match in pattern.finditer(page.read_text())]


@pytest.mark.parametrize(("page", "name", "table"), schemas(), ids=lambda value: value.splitlines()[0])
def test_tables_of_columns_equal_the_schemas(page: str, name: str, table: str) -> None:
    if name == "shards":
        schema = Header(tokenizer="", vocab_size=1000).schema()
    else:
        module, _, attribute = name.rpartition(".")
        schema = getattr(importlib.import_module(module), attribute)
    rows = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in table.splitlines()[2:]]
    assert rows == tables.schema_table(schema), page


def test_reserved_ids_and_smallest_vocabularies_are_those_of_the_code() -> None:
    text = " ".join((DOCS / "tokenizers.md").read_text().split())
    assert f"Ids 0 to {RESERVED - 1}" in text
    assert f"{SENTINELS.start} to {SENTINELS.stop - 1}" in text
    assert f"{SENTINELS.stop} to {RESERVED - 1}" in text
    for index in (*range(7), SENTINELS.start, SENTINELS.stop - 1):
        assert f"`{RESERVED_NAMES[index]}`" in text
    for kind, (least, _) in SMALLEST.items():
        assert f"{least} for `{kind}`" in text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", FENCE.sub("", page.read_text())):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for page in DOCS.glob("*.md"):
        assert f"docs/{page.name}" in text, page.name


# Python


def small_recipe(path: str) -> dict:
    return {
        "name": "out",
        "sources": [{"name": "mine", "paths": [path]}],
        "max_error_rate": 0.1,
        "signals": ["length", "gopher"],
        "variants": {"raw": {}, "filtered": {"policy": {"preset": "gopher"}, "deduplicate": True}},
        "tokenizers": {"bpe": {"type": "bpe", "vocab_size": 400}},
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus `out` (also called `demo`) like the one of the examples."""
    folder = tmp_path_factory.mktemp("docs")
    sentence = "The cat {0} sat on the mat {0} and looked at the dog {0}, which had {0} to be fed."
    rows = [{"id": f"{n}", "text": " ".join([sentence.format(n)] * (n % 9 + 2))} for n in range(80)]
    lines = [orjson.dumps(row) for row in [*rows, {"id": "copy", "text": rows[7]["text"]}]]
    (folder / "in.jsonl").write_bytes(b"\n".join([*lines, b'{"text": "cut of']))
    fields = small_recipe(str(folder / "in.jsonl"))
    with Engine(EngineOptions(workers=0)) as engine:
        Flow(build(fields), str(folder / "out")).prepare(engine)
    (folder / "demo").symlink_to(folder / "out")
    return folder


def python_pages() -> list[str]:
    return list(dict.fromkeys(block.page for block in blocks("python")))


@pytest.mark.parametrize("page", python_pages())
def test_python_examples_run(page: str, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run one after the other; fingerprints in paths are replaced by those of this corpus."""
    corpus = corpuskit.open(str(prepared / "out"))
    made = {path.rpartition("-")[0]: path for named in corpus.artifacts.values() for path in named.values()}
    monkeypatch.chdir(prepared)
    names: dict[str, object] = {}
    for block in blocks("python"):
        if block.page == page:
            text = re.sub(r"out/([\w/]+)-[0-9a-f]{8}", lambda found: f"out/{made.get(found[1], found[0])}", block.text)
            exec(compile(ast.parse(text), page, "exec"), names)


@pytest.mark.parametrize("runner", ["local", "FnApiRunner"])
def test_data_steps_run_on_a_remote_file_system(runner: str, prepared: Path) -> None:
    """What docs/cluster.md says of object stores, on fsspec's file system in memory."""
    store = fsspec.filesystem("memory")
    store.pipe("/docs/in.jsonl", (prepared / "in.jsonl").read_bytes())
    fields = small_recipe("memory://docs/in.jsonl")
    with Engine(EngineOptions(workers=0, runner=runner)) as engine:
        Flow(build(fields), f"memory://docs/{runner}").prepare(engine)
    assert corpuskit.open(f"memory://docs/{runner}").read(["id"], variant="raw").num_rows == 81


# benchmarks


@pytest.mark.parametrize("name", benchmarks.NAMES)
def test_every_benchmark_is_documented_and_has_its_two_parts(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    assert callable(module.measure)
    assert f"## {name}: {module.TITLE}" in (DOCS / "benchmarks.md").read_text()


def test_formats_of_the_docs_are_those_of_the_code() -> None:
    text = (DOCS / "recipes.md").read_text()
    for name in documents.FORMATS:
        assert f"`{name}`" in text
