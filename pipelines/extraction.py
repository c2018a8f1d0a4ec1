"""What input formats add to the identity of steps that read them: their libraries, and extraction for web pages."""

from collections.abc import Collection
from dataclasses import replace

from corpuskit import extract, manifest
from corpuskit.documents import FORMATS, Piece
from corpuskit.extract import ExtractConfig
from corpuskit.manifest import Identity


def with_formats(identity: Identity, pieces: Collection[Piece], extraction: ExtractConfig) -> Identity:
    """Return an identity with what the formats of the inputs add: their libraries, and extraction for web pages.

    Raises:
        MissingExtra: a package that the engine needs is not installed.
    """
    names = sorted({piece.format for piece in pieces})
    formats = [FORMATS[name] for name in names]
    libraries = [library for format_ in formats for library in format_.libraries]
    manifest.require_libraries(libraries, f"reading {', '.join(names)}")
    identity = replace(identity, libraries={**identity.libraries, **manifest.library_versions(libraries)})
    if not any(format_.pages for format_ in formats):
        return identity
    extract.require(extraction)
    config = {**identity.config, "extract": {**extraction.plain(), "revision": extract.REVISION}}
    own = manifest.library_versions(extract.LIBRARIES)
    return replace(identity, config=config, libraries={**identity.libraries, **own})
