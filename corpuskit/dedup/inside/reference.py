"""Other prepared corpora whose texts are read, for what documents repeat of them."""

from dataclasses import dataclass
from typing import Any

from corpuskit import manifest, storage
from corpuskit.errors import InputError


@dataclass(frozen=True)
class TextReference:
    """A corpus whose lines, paragraphs, sentences or words others are compared with."""

    name: str
    folder: str
    """The folder of its documents, or of the revision of them that its variants share."""
    fingerprint: str
    parts: tuple[dict[str, Any], ...]
    """The entries of its splits: name, rows, keys, text_bytes."""


def find_texts(name: str, corpus: str, own: str) -> TextReference:
    """Find the text of a prepared corpus, that which its variants share.

    Args:
        name: what the recipe calls the reference.
        corpus: the folder of the prepared corpus.
        own: fingerprint of the text that is compared with it.

    Raises:
        InputError: the folder is no prepared corpus, its documents are gone, or they are the same ones.
    """
    place = f"dedup.against.{name}"
    made = manifest.find(corpus)
    if made is None or made.kind != "corpus":
        raise InputError(f"{place}: {corpus} is no prepared corpus, whose texts `cut` could read")
    text = made.extra.get("texts", {}).get("", "documents")
    folder = storage.join(corpus, made.extra["artifacts"]["documents"][text])
    found = manifest.find(folder)
    if found is None:
        raise InputError(f"{place}: the documents of {corpus}, which `cut` reads, are not at {folder} any more")
    if found.fingerprint == own:
        raise InputError(f"{place}: {corpus} has the same documents as this corpus: all would be cut")
    return TextReference(name, folder, found.fingerprint, tuple(dict(part) for part in found.parts))
