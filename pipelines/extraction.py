"""Extraction as part of the steps that read raw inputs: their identity, where any input holds web pages."""

from collections.abc import Iterable
from dataclasses import replace

from corpuskit import extract, manifest
from corpuskit.documents import FORMATS, Piece
from corpuskit.extract import ExtractConfig
from corpuskit.manifest import Identity


def with_extraction(identity: Identity, pieces: Iterable[Piece], extraction: ExtractConfig) -> Identity:
    """Return an identity that extraction is part of, where any piece holds web pages; others do without it.

    Raises:
        MissingExtra: a package that the engine needs is not installed.
    """
    if not any(FORMATS[piece.format].pages for piece in pieces):
        return identity
    extract.require(extraction)
    config = {**identity.config, "extract": {**extraction.plain(), "revision": extract.REVISION}}
    libraries = {**identity.libraries, **manifest.library_versions(extract.LIBRARIES)}
    return replace(identity, config=config, libraries=libraries)
