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
    """Those that all presets are meant for; English where they are for any."""


def policy_fields(policy: str) -> PolicyFields:
    """Return the recipe fields of names of presets, or of a YAML file with `preset`, `rules`, `exclude`.

    Raises:
        RecipeError: it is neither, or no language has all the presets.
    """
    if policy.endswith((".yaml", ".yml")):
        fields = read_yaml(policy)
        return PolicyFields(fields, _languages(fields.get("preset"), f"{policy}: preset"))
    presets = [name.strip() for name in policy.split(",")]
    for name in presets:
        if name not in PRESETS:
            raise RecipeError("--policy", f"{name!r} is neither a preset nor a YAML file{nearest(name, PRESETS)}")
    return PolicyFields({"preset": presets}, _languages(presets, "--policy"))


def _languages(presets: Any, place: str) -> list[str]:
    """Return the languages of one preset or several; whether there are such presets is for the recipe to check."""
    named = [presets] if isinstance(presets, str) else presets if isinstance(presets, list) else []
    known = [name for name in named if isinstance(name, str) and name in PRESETS]
    meant = {name: PRESETS[name].languages for name in known if PRESETS[name].languages}
    if not meant:
        return ["en"]
    shared = [language for language in next(iter(meant.values())) if all(language in them for them in meant.values())]
    if not shared:
        told = "; ".join(f"{name!r} for {', '.join(languages)}" for name, languages in meant.items())
        raise RecipeError(place, f"the presets are meant for different languages: {told}; see `by_language`")
    return shared


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
