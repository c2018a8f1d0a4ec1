"""Harvests the documentation of a Python installation: docstrings, package descriptions, licences."""

import ast
import email
import importlib.metadata
import inspect
import os
import platform
import re
import sysconfig
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import zip_longest
from pathlib import PurePosixPath

import orjson
from packaging.requirements import Requirement

from corpuskit import storage
from corpuskit.documents.pieces import FileRange, Piece, check_unchanged
from corpuskit.documents.records import ALL, Choice, Document, Malformed, Raw, Records, collect
from corpuskit.documents.source import PYDOCS_BYTES, SourceConfig
from corpuskit.errors import InputError

EXTRAS = ("train", "report")
"""Extras of corpuskit whose packages are harvested too, where they are installed."""
PIECE_BYTES = 2_000_000
"""Bytes of text a piece harvests: workers share even a small harvest."""
DOCUMENT_BYTES = 6_000
"""A module with more documentation than this becomes several documents."""
MIN_CHARACTERS = 200
"""Shorter documents are left out."""
SKIPPED_FOLDERS = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "idle_test"}
TEXT_NAME = re.compile(r"(readme|licen[cs]e|copying|notice|news|changes|changelog|history|authors)(?![a-z])", re.I)
TEXT_SUFFIXES = {"", ".txt", ".rst", ".md"}
DOCSTRING = re.compile(rb'("""|\'\'\')(.*?)\1', re.DOTALL)


def plan(source: SourceConfig, files: Sequence[FileRange], split_bytes: int) -> list[Piece]:
    """Deal the installation's files out to pieces of equal shares; neither files given nor the split size matter.

    Files are taken in turn from every package, in path order, and dealt out in turn to the pieces. Each piece stops at
    its share of `max_bytes`, so that whatever the limit leaves has some of every package.

    Raises:
        InputError: the folders hold no documentation.
    """
    found = [file for root in _roots(source) for file in _walk(root)]
    if not found:
        raise InputError(f"source {source.name!r}: no Python files in {', '.join(_roots(source))}")
    packages: dict[str, list[FileRange]] = {}
    for file in sorted(found, key=lambda file: file.name):
        packages.setdefault(package(file.name), []).append(file)
    turns = zip_longest(*(packages[name] for name in sorted(packages)))
    order = [file for turn in turns for file in turn if file]
    count = min(_piece_count(source), len(order))
    return [Piece(index, tuple(order[index::count]), _share(source), "pydocs") for index in range(count)]


def _max_bytes(source: SourceConfig) -> int:
    return source.max_bytes or PYDOCS_BYTES


def _piece_count(source: SourceConfig) -> int:
    return -(-_max_bytes(source) // PIECE_BYTES)


def _share(source: SourceConfig) -> int:
    return _max_bytes(source) // _piece_count(source)


def _roots(source: SourceConfig) -> list[str]:
    """Return the folders to harvest: those of the recipe, else the standard library and installed packages."""
    if source.paths:
        return [str(storage.local(path).absolute()) for path in source.paths]
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))


def _walk(root: str) -> Iterator[FileRange]:
    """Give the files of one tree that may hold documentation; names begin with the name of the tree.

    Of installed packages, only those that corpuskit itself runs on are read: the development tools that come and go
    beside them do not change the corpus.
    """
    prefix = PurePosixPath(root).name
    wanted = _required() if root in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")) else None
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith("."))
        if wanted and folder == root:
            folders[:] = [name for name in folders if name in wanted]
            files = [name for name in files if name in wanted]
        for file in files:
            path = f"{folder}/{file}"
            if not file.startswith(".") and kind(path):
                info = storage.stat(path)
                yield FileRange(f"{prefix}{path[len(root) :]}", path, info.size, info.tag)


@cache
def _required() -> frozenset[str]:
    """Return the top-level files and folders of the distributions that corpuskit needs, directly or not.

    Empty where corpuskit is not installed as a distribution: then all packages are read.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    queue: list[tuple[str, tuple[str, ...]]] = [("corpuskit", EXTRAS)]
    while queue:
        name, extras = queue.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if found.setdefault(_normal(name), distribution) is not distribution:
            continue
        queue += [(need.name, tuple(need.extras)) for need in _needs(distribution, extras)]
    found.pop("corpuskit", None)
    files = (file for distribution in found.values() for file in distribution.files or ())
    return frozenset(file.parts[0] for file in files if file.parts[0] != "..")


def _needs(distribution: importlib.metadata.Distribution, extras: tuple[str, ...]) -> Iterator[Requirement]:
    """Give the requirements of a distribution that hold here, with these of its extras."""
    for text in distribution.requires or ():
        need = Requirement(text)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield need


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def kind(path: str) -> str:
    """Return `docstring`, `metadata` or `text` for a file that may hold documentation, else nothing."""
    file = PurePosixPath(path)
    if file.suffix == ".py":
        return "docstring"
    if file.name == "METADATA" and file.parent.suffix == ".dist-info":
        return "metadata"
    return "text" if file.suffix.lower() in TEXT_SUFFIXES and TEXT_NAME.match(file.name) else ""


def package(name: str) -> str:
    """Return the package or distribution that a file belongs to: the first part of its path below the tree.

    Files that lie directly in the tree are packages of their own, but for texts, which belong to the tree.
    """
    tree, _, rest = name.partition("/")
    first, below, _ = rest.partition("/")
    if below:
        return first.split("-")[0] if first.endswith(".dist-info") else first
    return first.removesuffix(".py") if first.endswith(".py") else tree


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Harvest the files of a piece up to its share of the limit; nothing is imported or executed.

    A file is one record here, and may give several documents. Files with next to no documentation are no records.
    """
    return collect(_raws(piece, source), parse, source.name, choice, _share(source))


def _raws(piece: Piece, source: SourceConfig) -> Iterator[Raw]:
    for file in piece.files:
        check_unchanged(file, source.storage_options)
        data = storage.read_bytes(file.path, source.storage_options)
        if _documented_bytes(file.name, data) >= MIN_CHARACTERS:
            yield file.name, 0, data


def _documented_bytes(name: str, data: bytes) -> int:
    """Return an upper estimate of the bytes of documentation, without parsing."""
    if kind(name) != "docstring":
        return len(data)
    return sum(match.end() - match.start() for match in DOCSTRING.finditer(data))


def parse(name: str, offset: int, data: bytes) -> list[Document]:
    """Return the documents of one file: (first line, text) each, with package, path and kind as metadata."""
    found = {"docstring": _docstrings, "metadata": _description, "text": _text}[kind(name)](data)
    metadata = orjson.dumps({"package": package(name), "path": name, "kind": kind(name)}).decode()
    documents = [
        Document(f"{name}:{line}", text, metadata=metadata) for line, text in found if len(text) >= MIN_CHARACTERS
    ]
    for document in documents:
        try:
            document.text.encode()
        except UnicodeEncodeError as error:
            raise Malformed(f"a docstring is not Unicode text: {error.reason}") from None
    return documents


def _text(data: bytes) -> list[tuple[int, str]]:
    try:
        return [(1, data.decode().strip())]
    except UnicodeDecodeError as error:
        raise Malformed(f"not utf-8: {error.reason} at byte {error.start}") from None


def _description(data: bytes) -> list[tuple[int, str]]:
    """Return the long description of a distribution: the body of its METADATA, else the header of old."""
    message = email.message_from_string(_text(data)[0][1])
    body = str(message.get_payload()).strip()
    if not body:
        first, _, rest = str(message.get("Description", "")).partition("\n")
        body = f"{first}\n{textwrap.dedent(rest)}".strip()
    return [(1, body)]


def _docstrings(data: bytes) -> list[tuple[int, str]]:
    """Return (line, text) of a module's documents: docstrings under their qualified names, in the order of the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
        sections = list(_sections(tree, ""))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"not Python {platform.python_version()}: {error}") from None
    return _grouped(sections)


def _sections(node: ast.Module | ast.ClassDef | ast.stmt, prefix: str) -> Iterator[tuple[int, str]]:
    """Give (line, qualified name and docstring) of a module or class and of all that is defined in it."""
    doc = _docstring(node)
    if doc:
        yield getattr(node, "lineno", 1), f"{prefix}\n{doc}" if prefix else doc
    if isinstance(node, ast.Module | ast.ClassDef):
        for child in node.body:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _sections(child, f"{prefix}.{child.name}" if prefix else child.name)


def _docstring(node: ast.AST) -> str:
    body = getattr(node, "body", None)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        value = body[0].value.value
        return inspect.cleandoc(value).strip() if isinstance(value, str) else ""
    return ""


def _grouped(sections: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Join sections into documents of about `DOCUMENT_BYTES`; a short rest joins the document before it."""
    groups: list[list[tuple[int, str]]] = []
    size = DOCUMENT_BYTES
    for section in sections:
        if size >= DOCUMENT_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(section)
        size += len(section[1])
    if len(groups) > 1 and size < MIN_CHARACTERS:
        rest = groups.pop()
        groups[-1] += rest
    return [(group[0][0], "\n\n".join(text for _, text in group)) for group in groups]
