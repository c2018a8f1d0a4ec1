"""Other prepared corpora that documents are compared with, by their signatures alone."""

from dataclasses import dataclass
from typing import Any

from corpuskit import manifest, storage
from corpuskit.errors import InputError
from corpuskit.manifest import Identity, Manifest


@dataclass(frozen=True)
class Reference:
    """A corpus whose signatures others are compared with."""

    name: str
    folder: str
    """The folder of its signatures."""
    fingerprint: str
    parts: tuple[dict[str, Any], ...]
    """The entries of its splits: name, rows, keys."""


def find(name: str, corpus: str, own: Identity) -> Reference:
    """Find the signatures of a prepared corpus, those of the text that its variants share.

    Args:
        name: what the recipe calls the reference.
        corpus: the folder of the prepared corpus, or of its signatures.
        own: identity of the signatures that are compared with it.

    Raises:
        InputError: there are none, they were made with other settings, or they are those of the same documents.
    """
    place = f"dedup.against.{name}"
    made = manifest.find(corpus)
    folder = corpus
    if made is not None and made.kind == "corpus":
        named = made.extra["artifacts"].get("signatures", {})
        if "signatures" not in named:
            raise InputError(f"{place}: {corpus} has no signatures; run its recipe again with `dedup`")
        folder = storage.join(corpus, named["signatures"])
        made = manifest.find(folder)
    if made is None or made.kind != "signatures":
        raise InputError(f"{place}: {folder} is neither a prepared corpus nor its folder of signatures")
    _check(place, folder, made, own)
    return Reference(name, folder, made.fingerprint, tuple(dict(part) for part in made.parts))


def _check(place: str, folder: str, made: Manifest, own: Identity) -> None:
    """Refuse signatures that say nothing about those of this corpus, and its own."""
    theirs = made.identity["config"]
    for field, value in own.config.items():
        if theirs.get(field) != value:
            raise InputError(f"{place}: the signatures of {folder} {_difference(field, theirs.get(field), value)}")
    if made.identity["revision"] != own.revision:
        raise InputError(
            f"{place}: the signatures of {folder} were made by another corpuskit; run its recipe again, whose texts "
            "are signed anew"
        )
    if made.fingerprint == own.fingerprint:
        raise InputError(f"{place}: {folder} has the same documents as this corpus: all would be duplicates")


def _difference(field: str, theirs: Any, ours: Any) -> str:
    if field == "places":
        return (
            f"have {theirs} places a document, and bands and rows here make {ours}: give bands and rows whose product "
            f"is {theirs} ({_factors(theirs)}), or sign that corpus with those of this one"
        )
    return f"were made with {field}: {theirs}, expected {ours}"


def _factors(places: int) -> str:
    """Return bands x rows that have so many places, with the rows that are commonly used."""
    found = [f"{places // rows} x {rows}" for rows in range(4, 14) if places % rows == 0]
    return ", ".join(found) if found else f"{places} x 1"
