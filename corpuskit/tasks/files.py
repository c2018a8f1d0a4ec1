"""Task files as text: compression, archives, encodings, and errors with file and line."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any

import orjson
import zstandard

from corpuskit import storage
from corpuskit.errors import InputError

ARCHIVES = (".tar", ".tgz")


def bare_name(path: str) -> str:
    """Return a path in lower case without the suffix of its compression."""
    return path.lower().removesuffix(".gz").removesuffix(".zst")


def read(path: str) -> bytes:
    """Return a file's bytes, decompressed where it ends in `.gz`, `.tgz` or `.zst`.

    Raises:
        InputError: the file cannot be read or is not what its suffix says.
    """
    data = storage.read_bytes(path)
    try:
        if path.lower().endswith((".gz", ".tgz")):
            return gzip.decompress(data)
        if path.lower().endswith(".zst"):
            return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise InputError(f"{path}: cannot be decompressed: {error}") from error
    return data


def members(path: str, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of a file, or of each file of a tar archive that ends in `suffix`, sorted by name.

    Raises:
        InputError: the file cannot be read, or the archive is broken or holds no such file.
    """
    data = read(path)
    if not bare_name(path).endswith(ARCHIVES):
        yield path, data
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            names = sorted(item.name for item in archive if item.isfile() and item.name.endswith(suffix))
            contents = [(f"{path}/{name}", file.read()) for name in names if (file := archive.extractfile(name))]
    except tarfile.TarError as error:
        raise InputError(f"{path}: not a tar archive: {error}") from error
    if not contents:
        raise InputError(f"{path}: the archive holds no {suffix} file")
    yield from contents


def decode(path: str, data: bytes, encoding: str) -> str:
    """Turn a file's bytes into text, without a byte order mark.

    Raises:
        InputError: naming the line of the first byte that is not in `encoding`.
    """
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = data[error.start]
        hint = "; if the file has another encoding, name it: `encoding: latin-1`"
        raise InputError(f"{path}:{line}: byte 0x{wrong:02x} is not {encoding}: {error.reason}{hint}") from error


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield (number from 1, line) of the lines that are not blank; only `\n` and `\r\n` end a line."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def json_lines(path: str, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place as `path:line`, object) for each line of a JSONL text.

    Raises:
        InputError: a line is not a JSON object.
    """
    for number, line in numbered_lines(text):
        place = f"{path}:{number}"
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError(f"{place}: not JSON: {error}") from error
        if not isinstance(value, dict):
            raise InputError(f"{place}: expected a JSON object, found {type(value).__name__}")
        yield place, value


def text_field(place: str, record: dict[str, Any], name: str) -> str:
    """Return a field that must hold text.

    Raises:
        InputError: the field is missing or holds something else.
    """
    value = record.get(name)
    if not isinstance(value, str):
        found = f"it holds {type(value).__name__}" if name in record else f"the fields are {', '.join(record)}"
        raise InputError(f"{place}: expected text in the field {name!r}; {found}")
    return value
