"""The items of a set: the texts of a task that are scored, or those of reference files.

`corpuskit.tasks.texts` says which texts of a task count. Items are whole texts, also where scoring cuts them
(`downstream.max_characters`).
"""

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from pydantic import TypeAdapter

from corpuskit import storage, tasks
from corpuskit.contamination.config import AnySet, ContaminationConfig, ReferenceConfig
from corpuskit.errors import InputError, nearest
from corpuskit.storage import StoredFile
from corpuskit.tasks import LabelledConfig, PairsConfig, Task, files
from corpuskit.tasks.texts import scored_texts, training_texts

ANY_SET: TypeAdapter[AnySet] = TypeAdapter(AnySet)
Items = Mapping[str, tuple[str, ...]]
"""Texts by the name of their set."""


def of_task(task: Task, training_rows: bool) -> tuple[str, ...]:
    """Return the texts of a task's items: those that are scored, and with `training_rows` those it is trained on."""
    return scored_texts(task) + (training_texts(task) if training_rows else ())


def of_reference(config: ReferenceConfig, name: str) -> tuple[str, ...]:
    """Read the texts of reference files.

    Raises:
        InputError: a file cannot be read, lacks a field, or there is no text; file and line are named.
    """
    found = tuple(text for path, data in _contents(config) for text in _texts(config, path, data))
    if not found:
        raise InputError(f"decontaminate.references.{name}: the files hold no text")
    return found


def _contents(config: ReferenceConfig) -> Iterator[tuple[str, str]]:
    for stored in storage.expand(config.files):
        for path, data in files.members(stored.path, ""):
            yield path, files.decode(path, data, config.encoding)


def _texts(config: ReferenceConfig, path: str, text: str) -> Iterator[str]:
    suffix = PurePosixPath(files.bare_name(path)).suffix
    if suffix in (".jsonl", ".ndjson"):
        for place, record in files.json_lines(path, text):
            yield "\n".join(files.text_field(place, record, name) for name in config.fields)
    elif suffix == ".tsv":
        yield from _tsv_texts(config, path, text)
    else:
        yield from (line for _, line in files.numbered_lines(text))


def _tsv_texts(config: ReferenceConfig, path: str, text: str) -> Iterator[str]:
    rows = ((number, line.split("\t")) for number, line in files.numbered_lines(text))
    _, header = next(rows, (0, []))
    for name in config.fields:
        if name not in header:
            raise InputError(f"{path}: the header has no column {name!r}{nearest(name, header)}")
    columns = [header.index(name) for name in config.fields]
    for number, row in rows:
        if len(row) != len(header):
            raise InputError(f"{path}:{number}: {len(row)} columns, expected {len(header)} as in the header")
        yield "\n".join(row[column] for column in columns)


def load(config: ContaminationConfig) -> Items:
    """Read the items of all sets; once a process, and again when a file changes.

    Raises:
        InputError: a file cannot be read, or does not give the items; the message names it.
    """
    return {
        name: _load(name, kind.model_dump_json(), stored_files(kind), config.training_rows)
        for name, kind in config.sets.items()
    }


@functools.lru_cache(maxsize=64)
def _load(name: str, config: str, stored: tuple[StoredFile, ...], training_rows: bool) -> tuple[str, ...]:
    """Read one set, whose config comes as JSON; `stored` tells its files from what they were."""
    found: AnySet = ANY_SET.validate_json(config)
    if isinstance(found, ReferenceConfig):
        return of_reference(found, name)
    return of_task(tasks.load(found, None, name), training_rows)


def stored_files(config: AnySet) -> tuple[StoredFile, ...]:
    """Return the files that the items come from, as they are now."""
    if isinstance(config, LabelledConfig):
        return tuple(storage.stat(path) for path in (config.train, config.test) if path)
    if isinstance(config, PairsConfig | ReferenceConfig):
        return tuple(storage.expand(config.files))
    return ()


def digest(items: Items) -> dict[str, str]:
    """Return the sha256 of each set's texts, 64 hex digits."""
    return {name: _digest(texts) for name, texts in items.items()}


@functools.lru_cache(maxsize=64)
def _digest(texts: Sequence[str]) -> str:
    hashed = hashlib.sha256()
    for text in texts:
        data = text.encode(errors="surrogatepass")
        hashed.update(len(data).to_bytes(8, "little") + data)
    return hashed.hexdigest()
