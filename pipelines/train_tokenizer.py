"""Counted words to a tokenizer: one item."""

from collections.abc import Mapping, Sequence
from functools import partial

import orjson

from corpuskit import manifest, storage, tokenization
from corpuskit.manifest import Identity, Manifest, Marker, Target
from corpuskit.tokenization import TokenizerConfig
from corpuskit.tokenization.counts import files, merge
from corpuskit.tokenization.tokenizer import TRAINING_FILE
from pipelines.engine import Attempt, Item, Phase, Step

REVISION = 2
LIBRARIES = ("numba", "sentencepiece", "tokenizers")
"""What decides bytes beside our own kernels: the JSON that `tokenizers` writes, SentencePiece's normal forms."""


def target(name: str, config: TokenizerConfig, counts: Target, out: str) -> Target:
    """Return where a tokenizer trained on counted words goes."""
    return Target.place("tokenizer", name, storage.join(out, "tokenizers"), _identity(config, counts.fingerprint))


def _identity(config: TokenizerConfig, *counts: str) -> Identity:
    inputs = {f"counts.{number}" if number else "counts": fingerprint for number, fingerprint in enumerate(counts)}
    if config.extend:
        inputs["extend"] = tokenization.load(config.extend).fingerprint
    return Identity(
        step="train_tokenizer",
        revision=REVISION,
        config={field: value for field, value in config.training().items() if field != "extend"},
        inputs=inputs,
        libraries=manifest.library_versions(LIBRARIES),
    )


def target_in(folder: str, config: TokenizerConfig, counts: Sequence[str]) -> Target:
    """Return a tokenizer trained on counts of these fingerprints, which are added up, right in a folder."""
    return Target(kind="tokenizer", name="tokenizer", folder=folder, identity=_identity(config, *counts))


def of_counts(config: TokenizerConfig, counts: Sequence[str], out: str) -> Step:
    """Plan the training of a tokenizer on folders of counts, which are added up, into `out` itself."""
    fingerprints = [manifest.read(folder, "counts").fingerprint for folder in counts]
    return step(target_in(out, config, fingerprints), config, counts)


def step(place: Target, config: TokenizerConfig, counts: Sequence[str]) -> Step:
    """Plan the training of one tokenizer.

    Args:
        place: where it goes.
        config: what to train.
        counts: folders of counted words.
    """
    work = partial(run, config=config, counts=tuple(counts))
    phases = (Phase(name="train", items=(Item(name="train"),), work=work),)
    return Step(**vars(place), phases=phases, finish=_finish)


def run(attempt: Attempt, *, config: TokenizerConfig, counts: Sequence[str]) -> Marker:
    """Train and commit the tokenizer's files."""
    made = tokenization.train_counted(config, read(counts))
    notes = [*made.notes, *_cut_notes(counts)]
    names = made.tokenizer.save(attempt.folder, {**made.facts, "notes": notes})
    size = sum(int(manifest.read(folder, "counts").counts["text_bytes"]) for folder in counts)
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=made.facts["unique_words"],
        counts={
            "vocab_size": made.tokenizer.vocab_size,
            "occurrences": made.facts["occurrences"],
            "text_bytes": size,
        },
        files={name: manifest.file_entry(storage.join(attempt.folder, name)) for name in names},
    )


def read(folders: Sequence[str]) -> dict[str, tokenization.WordCounts]:
    """Return the counts of each group, those of all folders added up."""
    groups: dict[str, list[tokenization.WordCounts]] = {}
    for folder in folders:
        manifest.verify(folder)
        for group, counts in files.read_folder(folder).items():
            groups.setdefault(group, []).append(counts)
    return {group: found[0] if len(found) == 1 else merge(found) for group, found in groups.items()}


def _cut_notes(folders: Sequence[str]) -> list[str]:
    """Say how much was left out because it was too rare."""
    notes = []
    for folder in folders:
        found = manifest.read(folder, "counts")
        if found.counts.get("cut_words"):
            least = found.extra["counting"]["min_count"]
            notes.append(
                f"{int(found.counts['cut_words']):,} words that occur fewer than {least} times were left out: "
                f"{int(found.counts['cut_occurrences']):,} occurrences"
            )
    return notes


def notes(folder: str) -> list[str]:
    """Return what a user should know of a tokenizer's training."""
    path = storage.join(folder, TRAINING_FILE)
    return list(orjson.loads(storage.read_bytes(path))["notes"]) if storage.exists(path) else []


def _finish(step: Step, markers: Mapping[str, list[Marker]]) -> Manifest:
    return step.manifest(markers["train"], extra={"vocab_size": int(markers["train"][0].counts["vocab_size"])})
