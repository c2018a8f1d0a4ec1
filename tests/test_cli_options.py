"""The commands and their options: none is added unseen, each is explained, and starting is cheap."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
import typer
from cli_harness import call, leaves

from corpuskit.cli import options
from corpuskit.extract import ExtractConfig
from corpuskit.policy import PRESETS
from corpuskit.signals import SIGNALS
from corpuskit.tokenization.config import SMALLEST

README = Path(__file__).parent.parent / "README.md"
ENGINES = get_args(ExtractConfig.model_fields["engine"].annotation)
OPTIONS = {
    "demo": "--out --set --workers --json --quiet",
    "compare": "RECIPE --out --set --workers --memory --slice --json --quiet",
    "pretrain": "RECIPE --out --set --workers --memory --slice --jobs --json --quiet",
    "evaluate": "RUN... --recipe --json --quiet",
    "run": ("RECIPE --out --plan --sample --set --workers --memory --runner --runner-option --slice --json --quiet"),
    "annotate": "IN... --signals --out --text-field --id-field --workers --json --quiet",
    "dedup": (
        "IN... --out --threshold --verify --unit --ngram --bands --rows --exact-only --against --keep --export "
        "--text-field --id-field --workers --memory --json --quiet"
    ),
    "select": (
        "IN... --policy --out --languages --deduplicate --export --text-field --id-field --workers --memory --json "
        "--quiet"
    ),
    "extract": "IN... --format --engine --time-limit --out --export --workers --json --quiet",
    "clean": "IN... --steps --out --export --text-field --id-field --workers --json --quiet",
    "classifier train": (
        "--positive --negative --out --text-field --id-field --seed --buckets --epochs --heldout --max-documents "
        "--max-words --cut-words --max-error-rate --json --quiet"
    ),
    "classifier show": "CLASSIFIER --words --json",
    "schema": "",
    "tokenizer train": (
        "[IN...] --out --type --vocab-size --counts --pretokenizer --normalization --sample --set --text-field "
        "--max-error-rate --workers --json --quiet"
    ),
    "tokenizer count": (
        "IN... --out --pretokenizer --normalization --min-count --sample --text-field --max-error-rate --workers "
        "--slice --json --quiet"
    ),
    "tokenizer eval": (
        "TOKENIZER... --out --text --parallel --gold --reference --max-bytes --pretokenizer --text-field --json --quiet"
    ),
    "tokenizer convert": "TOKENIZER --to --out --check --no-check --pretokenizer --text-field --quiet",
    "tokenizer show": "TOKENIZER --text --json",
    "tokenize": (
        "IN... --tokenizer --out --format --append --pretokenizer --verify --text-field --id-field "
        "--split-bytes --max-error-rate --workers --slice --json --quiet"
    ),
    "inspect": "PATH --html --no-html --json",
    "explain": "CORPUS ID --source --text --variant --json",
    "contamination": "CORPUS --html --workers --json --quiet",
    "verify": "PATH --json",
    "status": "PATH --json",
    "gc": "PATH --dry-run --json",
}
"""What a command takes beyond `--help`. Fields of recipes are set in recipes and by `--set`: they are no options."""


def test_no_new_options():
    assert dict(sorted(OPTIONS.items())) == {
        name: " ".join(_name(parameter) for parameter in command.params) for name, command in sorted(leaves())
    }


def _name(parameter) -> str:
    return max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.metavar


@pytest.mark.parametrize("name", OPTIONS)
def test_every_command_and_option_is_explained(name):
    shown = call(*name.split(), "--help")
    assert shown.code == 0
    command = dict(leaves())[name]
    assert command.help
    assert all(parameter.help for parameter in command.params)
    assert f"corpuskit {name}" in shown.out.partition("Examples")[2], "help ends with examples"


def test_every_example_parses():
    """The examples' options exist, whatever their files."""
    commands = dict(leaves())
    for name, command in commands.items():
        for line in command.epilog.replace("\\[", "[").splitlines()[1:]:
            words = re.sub(r"'[^']*'|\s#.*|[|>].*", "", line).split()
            assert words[0] == "corpuskit"
            known = {option for own in commands.values() for parameter in own.params for option in parameter.opts}
            assert {word for word in words if word.startswith("-")} <= known, (name, line)


def test_readme_names_every_command():
    if not README.exists():
        pytest.skip("no README.md")
    text = README.read_text()
    groups = [name.split()[0] if f"`{name.split()[0]} PATH`" in text else f"corpuskit {name}" for name in OPTIONS]
    for group in ("tokenizer", "classifier"):
        text = text.replace(f"`{group} show`", f"`corpuskit {group} show`")
    assert [name for name in groups if f"{name} " not in text.replace("`", " ")] == []


def test_help_names_what_can_be_chosen():
    commands = dict(leaves())
    helps = {
        (name, parameter.name): parameter.help or ""
        for name, command in commands.items()
        for parameter in command.params
    }
    assert all(group in helps["annotate", "signals"] for group in SIGNALS)
    assert all(preset in helps["select", "policy"] for preset in PRESETS if preset != "raw")
    assert all(engine in helps["extract", "engine"] for engine in ENGINES)
    assert all(kind in helps["tokenizer train", "type_"] for kind in SMALLEST)


def test_the_first_screen_names_every_command_in_80_columns():
    shown = call("--help").out
    assert all(f" {name.split()[0]} " in shown for name in OPTIONS)
    assert max(map(len, shown.splitlines())) <= 80


def test_version():
    assert call("--version")[:2] == (0, version("corpuskit") + "\n")


def test_starting_loads_neither_arrow_nor_beam_nor_torch():
    script = "import sys, corpuskit.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"apache_beam", "numba", "numpy", "pyarrow", "pydantic", "scipy", "tokenizers", "torch"}
    assert not heavy & set(loaded)


def test_encoding_loads_neither_numba_nor_recipes_nor_beam():
    """`tokenize` starts in the parent and in each worker: what it needs is counted in tenths of seconds."""
    script = "import sys, pipelines.tokenize, corpuskit.workflow.places; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"apache_beam", "corpuskit.recipe", "numba", "scipy", "tokenizers", "torch"} & set(loaded)


def test_packages_of_the_extra_web_are_loaded_by_those_who_read_the_web_alone():
    """They are not installed for the demo."""
    script = "import sys, corpuskit.recipe, pipelines.ingest, pipelines.clean, pipelines.select; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    web = {"fasttext", "fastwarc", "ftfy", "lxml", "mwparserfromhell", "resiliparse", "stop_words", "tldextract"}
    assert not ({"trafilatura", "idna"} | web) & {name.split(".")[0] for name in loaded}


def test_shares_are_given_as_in_recipes():
    given = {"0.25": 0.25, "25%": 0.25, "33.3 %": 0.333, "0": 0, "100%": 1}
    assert {text: options.share(text) for text in given} == given
    for wrong in ("1.5", "-1%", "nan", "inf", "", "a%"):
        with pytest.raises(typer.BadParameter):
            options.share(wrong)
