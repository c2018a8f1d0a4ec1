"""Policies from the command line, and writing a variant's documents to a file."""

from dataclasses import dataclass
from typing import Any

import yaml

from corpuskit import manifest, storage
from corpuskit.corpus import Corpus
from corpuskit.documents import write_export
from corpuskit.errors import RecipeError
from corpuskit.policy import PRESETS
from corpuskit.workflow.flow import Flow


@dataclass(frozen=True)
class PolicyFields:
    """What `--policy` means for a recipe."""

    policy: dict[str, Any]
    languages: list[str]
    """Languages that the preset is meant for; English where it is for all."""


def policy_fields(policy: str) -> PolicyFields:
    """Return the recipe fields of a preset's name, or of a YAML file with `preset`, `rules`, `exclude`.

    Raises:
        RecipeError: it is neither.
    """
    if policy in PRESETS:
        return PolicyFields({"preset": policy}, list(PRESETS[policy].languages or ("en",)))
    if not policy.endswith((".yaml", ".yml")):
        raise RecipeError("--policy", f"{policy!r} is neither a preset ({', '.join(PRESETS)}) nor a YAML file")
    fields = yaml.safe_load(storage.read_bytes(policy))
    if not isinstance(fields, dict):
        raise RecipeError(policy, "expected a mapping with `preset`, `rules` or `exclude`")
    preset = PRESETS.get(fields.get("preset", "none"))
    return PolicyFields(fields, list((preset and preset.languages) or ("en",)))


def export_variant(flow: Flow, variant: str, path: str) -> int:
    """Write the documents that a variant keeps to a .jsonl(.gz, .zst) or .parquet file; return their number."""
    corpus = Corpus(flow.out)
    write_export(path, corpus.batches(variant=variant))
    return int(manifest.read(corpus.artifact("variant", variant)).counts["kept"])
