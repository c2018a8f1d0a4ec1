"""Policies from the command line, and writing a variant's documents to a file."""

from dataclasses import dataclass
from typing import Any

from corpuskit import manifest, storage
from corpuskit.corpus import Corpus
from corpuskit.documents import write_export
from corpuskit.documents.export import SUFFIXES
from corpuskit.errors import InputError, RecipeError, nearest
from corpuskit.policy import PRESETS
from corpuskit.recipe.load import read_yaml
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.places import check_writable


@dataclass(frozen=True)
class PolicyFields:
    """What `--policy` means for a recipe."""

    policy: dict[str, Any]
    languages: list[str]
    """Languages that all presets are meant for; English where they are for any."""


def policy_fields(policy: str) -> PolicyFields:
    """Return the recipe fields of names of presets, or of a YAML file with `preset`, `rules`, `exclude`.

    Raises:
        RecipeError: it is neither.
    """
    presets = policy.split(",")
    if all(name in PRESETS for name in presets):
        return PolicyFields({"preset": presets}, _languages(presets))
    if not policy.endswith((".yaml", ".yml")):
        close = nearest(policy, PRESETS)
        raise RecipeError("--policy", f"{policy!r} is neither a preset nor a YAML file{close}")
    fields = read_yaml(policy)
    return PolicyFields(fields, _languages(fields.get("preset")))


def _languages(presets: Any) -> list[str]:
    """Return the languages of one preset or several; their check is the recipe's."""
    named = [presets] if isinstance(presets, str) else presets if isinstance(presets, list) else []
    meant = [PRESETS[name].languages for name in named if name in PRESETS and PRESETS[name].languages]
    return [language for language in meant[0] if all(language in others for others in meant)] if meant else ["en"]


def check_export(path: str) -> None:
    """Make sure that documents can be exported to a file, before they are chosen.

    Raises:
        InputError: another suffix, or its folder cannot be written to.
    """
    if not path.endswith(SUFFIXES):
        raise InputError(f"--export: {path}: documents are exported as {', '.join(SUFFIXES)}")
    if not storage.is_remote(path):
        if storage.local(path).is_dir():
            raise InputError(f"--export: {path} is a folder")
        check_writable(str(storage.local(path).absolute().parent))


def export_variant(flow: Flow, variant: str, path: str) -> int:
    """Write the documents that a variant keeps to a .jsonl(.gz, .zst) or .parquet file; return their number."""
    corpus = Corpus(flow.out)
    write_export(path, corpus.batches(variant=variant))
    return int(manifest.read(corpus.artifact("variant", variant)).counts["kept"])
