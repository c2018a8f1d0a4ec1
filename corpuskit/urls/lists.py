"""Lists of hosts and pages to block or to allow: their files, and the tables they are looked up in.

A list is one or more files with one entry a line; `#` begins a comment.

* A host (`example.com`, `*.example.com`, `192.0.2.1`) stands for itself and all hosts below it.
* A page (`example.com/path`, with or without scheme) stands for itself and all that lies below it, on that host alone.
  Hosts and pages are compared in normal form, `www.` aside for pages, and pages in lower case: those of UT1 are.
* Lines of a hosts file (`0.0.0.0 example.com`) give the hosts after the address.

Files may be compressed (`.gz`). A folder is read in the layout of UT1 (Université Toulouse Capitole) and squidGuard:
`<category>/domains` and `<category>/urls`, at any depth; its other files are left alone.

Tables hold 64-bit hashes and no text: 12 bytes an entry. With 5 million entries, one in 10**12 hosts that are in no
list is taken for one that is.
"""

import gzip
import logging
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import storage
from corpuskit.errors import InputError
from corpuskit.kernels import Texts, fixed, hash_spans
from corpuskit.storage import StoredFile
from corpuskit.urls.address import Address, parse, without_www
from corpuskit.urls.scanning import NONE, find_hosts, find_pages, hash_hosts

CHUNK = 16 << 20
"""Bytes of a list in memory at a time."""
HOSTS_FILE = re.compile(rb"(?m)^[ \t]*(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+")
"""The address that a hosts file gives to what it blocks."""
COMMENT = re.compile(r"(?:^|\s)#.*")
BOM = b"\xef\xbb\xbf"
UT1_FILES = ("domains", "urls")
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Table:
    """Entries of numbered lists, by hash."""

    hashes: np.ndarray
    """uint64[m], sorted, distinct."""
    numbers: np.ndarray
    """The number of the first list that has the entry; int32[m]."""

    @classmethod
    def of(cls, lists: Sequence[np.ndarray]) -> "Table":
        """Return the table of lists of hashes, uint64[any] each."""
        hashes = np.concatenate([np.empty(0, np.uint64), *lists])
        numbers = np.repeat(np.arange(len(lists), dtype=np.int32), [entries.size for entries in lists])
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        first = np.ones(hashes.size, bool)
        first[1:] = hashes[1:] != hashes[:-1]
        return cls(fixed(hashes[first], np.uint64), fixed(numbers[order][first], np.int32))

    def __len__(self) -> int:
        return self.hashes.size


@dataclass(frozen=True, eq=False)
class HostLists:
    """Named lists, ready to be looked up."""

    names: tuple[str, ...]
    hosts: Table
    pages: Table
    longest: int
    """Bytes of the longest page among the entries."""

    def find_hosts(self, hosts: pa.Array) -> np.ndarray:
        """Return the number of the first list that has each host or a domain above it; int32[n], NONE for none.

        Args:
            hosts: large_string[n] without nulls, as `Urls.hosts` gives them.
        """
        texts = Texts.from_arrow(hosts)
        return find_hosts(texts.data, texts.offsets, self.hosts.hashes, self.hosts.numbers)

    def find_pages(self, urls: pa.Array) -> np.ndarray:
        """Return the number of the first list that has each page or one above it; int32[n], NONE for none.

        Args:
            urls: large_string[n], as `Urls.normal` gives them.
        """
        if not len(self.pages):
            return np.full(len(urls), NONE, np.int32)
        texts = Texts.from_arrow(page_keys(urls))
        return find_pages(texts.data, texts.offsets, self.pages.hashes, self.pages.numbers, self.longest)


class Entries(NamedTuple):
    """What one list holds."""

    hosts: np.ndarray
    """Hashes, uint64[any]."""
    pages: np.ndarray
    """Hashes, uint64[any]."""
    longest: int
    """Bytes of the longest page."""


def page_keys(urls: pa.Array) -> pa.Array:
    """Return normal forms as pages are compared: in lower case, without scheme; large_string[n]."""
    return pc.ascii_lower(pc.replace_substring_regex(urls, "^[^:]*://", ""))


def list_files(path: str, name: str = "") -> dict[str, list[StoredFile]]:
    """Return the files of the lists that a path names, by list.

    Args:
        path: A file, or a folder in UT1's layout; local or an fsspec URL.
        name: The list to which all of them belong; without it, a file is a list named after itself, without what
            follows its first dot, and a category of UT1 is one.

    Raises:
        InputError: there is no such file, or no list in the folder.
    """
    files = storage.expand([path])
    single = len(files) == 1 and storage.base_name(files[0].path) == storage.base_name(path)
    lists: dict[str, list[StoredFile]] = {}
    for file in files:
        base = storage.base_name(file.path)
        category = storage.base_name(file.path[: -len(base)])
        if single:
            ut1 = base.removesuffix(".gz") in UT1_FILES
            lists[name or (category if ut1 else base.partition(".")[0])] = [file]
        elif base.removesuffix(".gz") in UT1_FILES:
            lists.setdefault(name or category, []).append(file)
    if not lists:
        raise InputError(f"{path}: no file in this folder is called {' or '.join(UT1_FILES)}, as in UT1's layout")
    return lists


def read_lists(lists: Mapping[str, Iterable[StoredFile]]) -> HostLists:
    """Read lists; the first is number 0.

    Raises:
        InputError: a file cannot be read, or a list has no entry at all.
    """
    entries = [_read_list(name, files) for name, files in lists.items()]
    return HostLists(
        names=tuple(lists),
        hosts=Table.of([entry.hosts for entry in entries]),
        pages=Table.of([entry.pages for entry in entries]),
        longest=max((entry.longest for entry in entries), default=0),
    )


def _read_list(name: str, files: Iterable[StoredFile]) -> Entries:
    parts = [part for file in files for part in _read_file(file.path)]
    entries = Entries(
        np.concatenate([np.empty(0, np.uint64), *(part.hosts for part in parts)]),
        np.concatenate([np.empty(0, np.uint64), *(part.pages for part in parts)]),
        max((part.longest for part in parts), default=0),
    )
    if not entries.hosts.size and not entries.pages.size:
        raise InputError(f"list {name!r}: {', '.join(file.path for file in files)}: no host and no URL in it")
    return entries


def _read_file(path: str) -> Iterator[Entries]:
    wrong: list[str] = []
    for chunk in read_chunks(path):
        yield _read_chunk(chunk, wrong)
    if wrong:
        LOGGER.warning("%s: %d lines are no host and no URL; the first: %.80r", path, len(wrong), wrong[0])


def _read_chunk(chunk: bytes, wrong: list[str]) -> Entries:
    """Read some lines of a list; append those that are no entries to `wrong`."""
    chunk = HOSTS_FILE.sub(b"", chunk.replace(b"\r\n", b"\n"))
    lines = Texts(np.frombuffer(chunk, np.uint8), np.array([0, len(chunk)])).lines()
    hashes, plain = hash_hosts(lines.data, lines.starts, lines.ends)
    hosts, pages = [], []
    for row in np.flatnonzero(~plain & (lines.starts < lines.ends)):
        line = chunk[lines.starts[row] : lines.ends[row]].decode(errors="replace")
        addresses = _parse_line(line)
        if addresses is None:
            wrong.append(line)
            continue
        hosts += [address.host for address in addresses if not address.rest]
        pages += [_page(address) for address in addresses if address.rest]
    longest = max((len(page) for page in pages), default=0)
    return Entries(np.concatenate([hashes[plain], _hashes(hosts)]), _hashes(pages), longest)


def _parse_line(line: str) -> list[Address] | None:
    """Return the entries of a line, or None where it has something else; only an entry by itself can lack a dot."""
    fields = [field.removeprefix("*.").removeprefix(".") for field in COMMENT.sub("", line).split()]
    addresses = [parse(field) or (parse(f"https://{field}") if len(fields) == 1 else None) for field in fields]
    found = [address for address in addresses if address is not None]
    return found if len(found) == len(fields) else None


def _page(address: Address) -> str:
    """Return a page as `page_keys` does."""
    return f"{without_www(address.host)}{address.port}{address.rest}".lower()


def _hashes(entries: list[str]) -> np.ndarray:
    texts = Texts.from_arrow(pa.array(entries, pa.large_string()))
    return hash_spans(texts.data, texts.offsets[:-1], texts.offsets[1:])


def read_chunks(path: str) -> Iterator[bytes]:
    """Give a file's whole lines, some 16 MiB at a time, decompressed where its name ends with `.gz`.

    Raises:
        InputError: the file cannot be read or decompressed.
    """
    with storage.open_input(path) as file:
        lines = gzip.GzipFile(fileobj=file) if path.endswith(".gz") else file
        rest = b""
        try:
            while chunk := lines.read(CHUNK):
                whole, _, rest = (rest + chunk).rpartition(b"\n")
                yield whole.removeprefix(BOM)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: {error}") from error
        yield rest.removeprefix(BOM)
