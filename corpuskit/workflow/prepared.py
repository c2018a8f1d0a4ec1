"""Prepared corpora as inputs beside files."""

from corpuskit import manifest, storage
from corpuskit.corpus import Corpus
from corpuskit.errors import ArtifactError, InputError


def texts_folder(path: str) -> str | None:
    """Return the folder that holds the texts of an input that corpuskit prepared; None for the user's own files.

    Of a corpus, these are the texts that its variants share, after cleaning; `path` may also be a folder of documents.

    Raises:
        InputError: an artifact of another kind.
    """
    if storage.is_remote(path) and "." in storage.base_name(path):  # a file: no question to a server about a folder
        return None
    try:
        found = manifest.find(path)
    except ArtifactError:  # a folder of JSON files, one of them called manifest.json
        return None
    if found is None or found.kind == "documents":
        return path if found else None
    if found.kind != "corpus":
        raise InputError(f"{path} is an artifact of kind {found.kind!r}; expected documents, a corpus or files")
    return Corpus(path).text_folder()
