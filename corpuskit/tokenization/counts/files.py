"""Files of counts: Arrow IPC with the columns `word` (large_binary, ascending) and `count` (int64).

The schema's metadata hold the version of the format, the number of words and of their occurrences, and what the writer
says of them, such as the pre-tokenizer. Checksums lie in the manifest of the folder, as those of other artifacts.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from corpuskit import manifest, storage
from corpuskit.errors import ArtifactError, CorruptArtifact
from corpuskit.kernels.compiling import fixed
from corpuskit.tokenization.counts.merging import merge
from corpuskit.tokenization.counts.words import WordCounts

FORMAT_VERSION = 1
SCHEMA = pa.schema([pa.field("word", pa.large_binary(), nullable=False), pa.field("count", pa.int64(), nullable=False)])
ABOUT = b"corpuskit.counts"
"""Key of the metadata: JSON."""


def part_file(group: str, partition: int) -> str:
    """Return the file of one partition of a group's words, relative to the folder of the counts."""
    return f"{group}/part-{partition:07d}.arrow"


def read_folder(folder: str) -> dict[str, WordCounts]:
    """Return the counts of each group of a folder that a step wrote.

    Raises:
        ArtifactError: it is no folder of counts.
        CorruptArtifact: a file is not what the manifest or the file itself says.
    """
    groups: dict[str, list[WordCounts]] = {}
    for name in sorted(manifest.read(folder, "counts").files):
        group, slash, part = name.rpartition("/")
        if slash and part.startswith("part-") and part.endswith(".arrow") and group != "errors":
            groups.setdefault(group, []).append(read(storage.join(folder, name)))
    return {group: parts[0] if len(parts) == 1 else merge(parts) for group, parts in groups.items()}


def to_batch(counts: WordCounts) -> pa.RecordBatch:
    """Return counts as one batch of SCHEMA, for an exchange file."""
    return pa.RecordBatch.from_arrays([counts.words, pa.array(counts.counts)], schema=SCHEMA)


def from_batch(batch: pa.RecordBatch) -> WordCounts:
    """Return the counts of a batch of SCHEMA; the bytes are shared with it."""
    return WordCounts(batch.column(0), fixed(batch.column(1).to_numpy(), np.int64))


def write(path: str, counts: WordCounts, about: Mapping[str, Any]) -> dict[str, Any]:
    """Commit a file of counts; return its entry for markers and manifests.

    Args:
        path: where it goes.
        counts: what it holds.
        about: what is to be said of them; JSON.
    """
    known = {"format_version": FORMAT_VERSION, "words": len(counts), "occurrences": counts.total, "about": dict(about)}
    schema = SCHEMA.with_metadata({ABOUT: orjson.dumps(known)})
    with storage.committing(path) as scratch, pa.ipc.new_file(scratch, schema) as writer:
        writer.write_batch(to_batch(counts))
    return manifest.file_entry(path)


def read(path: str) -> WordCounts:
    """Read a file of counts; a local one is mapped into memory.

    Raises:
        InputError: there is no such file.
        ArtifactError: it is no file of counts, or of another version of the format.
        CorruptArtifact: it does not hold as many words and occurrences as it says.
    """
    reader = _open(path)
    known = _known(path, reader.schema)
    counts = from_batch(reader.get_batch(0))
    if (len(counts), counts.total) != (known["words"], known["occurrences"]):
        raise CorruptArtifact(
            f"{path}: {len(counts):,} words and {counts.total:,} occurrences, but it says {known['words']:,} and "
            f"{known['occurrences']:,}"
        )
    return counts


def about(path: str) -> dict[str, Any]:
    """Return what the writer of a file of counts said of them.

    Raises:
        InputError: there is no such file.
        ArtifactError: it is no file of counts, or of another version of the format.
    """
    return _known(path, _open(path).schema)["about"]


def _open(path: str) -> pa.ipc.RecordBatchFileReader:
    try:
        if storage.is_remote(path) or not storage.exists(path):
            return pa.ipc.open_file(pa.BufferReader(storage.read_bytes(path)))
        return pa.ipc.open_file(pa.memory_map(str(storage.local(path))))
    except pa.ArrowInvalid as error:
        raise ArtifactError(f"{path}: not a file of counts: {error}") from error


def _known(path: str, schema: pa.Schema) -> dict[str, Any]:
    if not schema.equals(SCHEMA) or ABOUT not in (schema.metadata or {}):
        raise ArtifactError(f"{path}: not a file of counts that corpuskit wrote; its columns are {schema.names}")
    known: dict[str, Any] = orjson.loads(schema.metadata[ABOUT])
    if known["format_version"] != FORMAT_VERSION:
        raise ArtifactError(
            f"{path}: counts in version {known['format_version']} of the format; this corpuskit reads {FORMAT_VERSION}"
        )
    return known
