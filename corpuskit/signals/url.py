"""What a document's URL says: host, domain, block and allow lists, words.

The lists and thresholds of RefinedWeb (Penedo et al. 2023, appendix G.1) and of datatrove's `URLFilter`: a blocked
domain or URL; one word of a strict list anywhere, one hard word, or two soft words. Where this differs from datatrove:

* Words are compared in lower case on both sides, and percent-encodings are decoded first.
* The scheme is cut off: `https://exposure.com` has no `sex` across its `://`.
* A blocked host blocks the hosts below it at any depth, not the host and its registered domain alone; a blocked page
  blocks what lies below it.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from corpuskit import storage, urls
from corpuskit.config import Config
from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.signals.group import Signal, SignalGroup
from corpuskit.storage import StoredFile

UNBLOCKED = "none"
"""What `url.blocked` says of a document that no list blocks."""

Files = tuple[tuple[str, tuple[StoredFile, ...]], ...]
"""The files of each list, in the order of the lists."""


class UrlWords(Config):
    """Files of words, one a line."""

    hard: str | None = None
    """Words each of which is reason enough to drop a document."""
    soft: str | None = None
    """Words of which several together are."""
    strict: str | None = None
    """Strings looked for anywhere in the URL, across its separators too."""


class UrlConfig(Config):
    """Lists for the `url` signals. Files and folders are local paths or fsspec URLs."""

    block: dict[str, str] | tuple[str, ...] = ()
    """Lists of hosts and URLs to block: files with one a line, or folders in the layout of UT1 (`adult/domains`,
    `adult/urls`, plain or .gz). Under a name of your own (`adult: lists/ut1/adult`), or named after file or category.
    Name the categories you mean: UT1 as a whole has the press and banks too."""
    allow: tuple[str, ...] = ()
    """Files of hosts: `url.allowed` says whether a document comes from one of them or from a host below."""
    words: UrlWords = UrlWords()
    """Word lists."""

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        if UNBLOCKED in self.block:
            raise ValueError(f"no block list can be called {UNBLOCKED!r}: this is what `url.blocked` says without any")
        return self


def block_files(config: UrlConfig) -> Files:
    """Return the files of each block list.

    Raises:
        InputError: a file or folder does not exist or holds no list; the message names the field.
    """
    named = config.block.items() if isinstance(config.block, dict) else (("", path) for path in config.block)
    lists: dict[str, list[StoredFile]] = {}
    for name, path in named:
        for found, files in _list_files(path, f"url.block.{name}" if name else "url.block", name).items():
            lists.setdefault(found, []).extend(files)
    return tuple((name, tuple(files)) for name, files in lists.items())


def allow_files(config: UrlConfig) -> Files:
    """Return the files of the allow lists as one list; none without them.

    Raises:
        InputError: a file does not exist; the message names the field.
    """
    files = [file for path in config.allow for file in _list_files(path, "url.allow", "allow")["allow"]]
    return (("allow", tuple(files)),) if files else ()


def word_files(config: UrlConfig) -> dict[str, StoredFile]:
    """Return the file of each word list that the config names.

    Raises:
        InputError: a file does not exist; the message names the field.
    """
    paths = {kind: path for kind, path in config.words if path is not None}
    return {kind: _in_field(f"url.words.{kind}", storage.stat, path) for kind, path in paths.items()}


def _list_files(path: str, field: str, name: str) -> dict[str, list[StoredFile]]:
    return _in_field(field, urls.list_files, path, name)


def _in_field(field: str, read: Any, *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except InputError as error:
        raise InputError(f"{field}: {error}") from error


def identity(config: UrlConfig) -> dict[str, Any]:
    """Return what of the config decides values: names of lists in their order, and checksums of files.

    Raises:
        InputError: a file cannot be read.
    """
    return {
        "block": [[name, _checksums(files)] for name, files in block_files(config)],
        "allow": [_checksums(files) for _, files in allow_files(config)],
        "words": {kind: storage.checksum(file.path) for kind, file in word_files(config).items()},
    }


def _checksums(files: tuple[StoredFile, ...]) -> list[str]:
    return [storage.checksum(file.path) for file in files]


KINDS: dict[str, type[urls.Words] | type[urls.Strings]] = {
    "hard": urls.Words,
    "soft": urls.Words,
    "strict": urls.Strings,
}


@functools.lru_cache(maxsize=4)
def _read_lists(field: str, files: Files) -> urls.HostLists:
    """Read lists once a process, and again when size or tag of a file changes."""
    return _in_field(field, urls.read_lists, dict(files))


@functools.lru_cache(maxsize=8)
def _read_words(kind: str, file: StoredFile) -> urls.Words | urls.Strings:
    """Read a word list, as seldom."""
    words = _in_field(f"url.words.{kind}", urls.read_words, file.path)
    return KINDS[kind](words)


def measure(texts: Texts, config: UrlConfig) -> Mapping[str, pa.Array | np.ndarray]:
    """Return the signals of n URLs, an empty text for a document without one.

    Raises:
        InputError: a list cannot be read; the message names the field.
        MissingExtra: a package of the extra `web` is not installed.
    """
    batch = urls.Urls(texts)
    encoded = batch.hosts.dictionary_encode()
    hosts, host_of = encoded.dictionary, encoded.indices
    return {
        "host": batch.hosts,
        "domain": urls.registered_domains(hosts).take(host_of),
        "blocked": _blocked(batch, hosts, host_of, block_files(config)),
        "allowed": _allowed(hosts, host_of, allow_files(config)),
        **dict(_count_words(texts, word_files(config))),
    }


def _blocked(batch: urls.Urls, hosts: pa.Array, host_of: pa.Array, files: Files) -> pa.Array:
    """Return the name of the first list that has each URL's host or page, UNBLOCKED where there is none."""
    if not files:
        return pa.repeat(UNBLOCKED, len(host_of))
    lists = _read_lists("url.block", files)
    numbers = pc.fill_null(pa.array(lists.find_hosts(hosts)).take(host_of), urls.NONE).to_numpy()
    numbers = np.minimum(numbers, lists.find_pages(batch.normal))
    names = pa.array([*lists.names, UNBLOCKED])
    return names.take(pa.array(np.minimum(numbers, len(lists.names))))


def _allowed(hosts: pa.Array, host_of: pa.Array, files: Files) -> pa.Array:
    """Return whether the allow lists have each host: bool[n], null without a host and without lists."""
    if not files:
        return pa.nulls(len(host_of), pa.bool_())
    return pa.array(_read_lists("url.allow", files).find_hosts(hosts) != urls.NONE).take(host_of)


def _count_words(texts: Texts, files: Mapping[str, StoredFile]) -> Iterator[tuple[str, np.ndarray]]:
    folded = urls.fold(texts) if files else texts
    for kind in KINDS:
        counts = _read_words(kind, files[kind]).count(folded) if kind in files else np.zeros(len(texts), np.int32)
        yield f"{kind}_words", counts


NO_URL = "documents without a URL that has a host"
URL = SignalGroup(
    name="url",
    revision=1,
    source="RefinedWeb (Penedo et al. 2023), G.1, and datatrove's URLFilter; differences in corpuskit.signals.url",
    signals={
        "host": Signal(pa.string(), "text", "host name in lower case and ASCII (punycode), without port", NO_URL),
        "domain": Signal(
            pa.string(),
            "text",
            "registered domain by the public suffix list, without its private part",
            f"{NO_URL}; IP addresses; hosts under no public suffix",
        ),
        "blocked": Signal(
            pa.string(), "text", f"the first block list that has the host or the page; `{UNBLOCKED}` without any"
        ),
        "allowed": Signal(
            pa.bool_(), "true or false", "whether an allow list has the host", f"{NO_URL}; all without allow lists"
        ),
        "hard_words": Signal(pa.int32(), "0 or more", "distinct words of the URL in the hard list"),
        "soft_words": Signal(pa.int32(), "0 or more", "distinct words of the URL in the soft list"),
        "strict_words": Signal(
            pa.int32(), "0 or more", "occurrences of strings of the strict list in the URL's letters and digits"
        ),
    },
    measure=measure,
    reads="url",
    config=UrlConfig,
    identity=identity,
    libraries=("pyarrow", "numba", "tldextract", "idna"),
)
