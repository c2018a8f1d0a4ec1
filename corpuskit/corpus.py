"""A prepared corpus as Arrow: documents with their signals and verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from corpuskit import manifest, storage
from corpuskit.documents import read_documents, read_split, sidecars
from corpuskit.errors import ArtifactError, nearest
from corpuskit.manifest import Manifest
from corpuskit.shards import Shards


class Corpus:
    """A folder that `corpuskit run` made.

    Example:
        >>> corpus = corpuskit.open("demo")
        >>> for batch in corpus.batches(["id", "text"], signals=["gopher.mean_word_length"], variant="filtered"):
        ...     ...
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.manifest = manifest.read(folder, "corpus")
        self.artifacts: Mapping[str, Mapping[str, str]] = self.manifest.extra["artifacts"]

    def artifact(self, kind: str, name: str) -> str:
        """Return the folder of one artifact.

        Raises:
            ArtifactError: the corpus has none of that kind and name.
        """
        named = self.artifacts.get(kind, {})
        if name not in named:
            raise ArtifactError(f"{self.folder}: no {kind} is named {name!r}{nearest(name, named)}")
        return storage.join(self.folder, named[name])

    def record(self, kind: str, name: str, folder: str) -> None:
        """Name an artifact below the corpus in its manifest, so that `gc` keeps it; of that kind and name, no other."""
        named = {**self.artifacts.get(kind, {}), name: folder.removeprefix(self.folder.rstrip("/") + "/")}
        extra = {**self.manifest.extra, "artifacts": {**self.artifacts, kind: named}}
        manifest.write(self.folder, replace(self.manifest, extra=extra))

    @property
    def documents(self) -> str:
        """The folder of the documents."""
        return self.artifact("documents", "documents")

    def text_folder(self, variant: str | None = None) -> str:
        """Return the folder that holds a variant's text, or the text that variants without own cleaners share.

        Raises:
            ArtifactError: there is no such variant.
        """
        if variant is not None:
            self.artifact("variant", variant)
        return self.artifact("documents", self._text_name(variant))

    def kept_text_folder(self, variant: str | None = None) -> str:
        """Return the folder that holds the text of what a variant keeps: its text, after its `cut` steps.

        Raises:
            ArtifactError: there is no such variant.
        """
        cuts = self.cuts(variant) if variant is not None else []
        return self.artifact("documents", cuts[-1]) if cuts else self.text_folder(variant)

    def cuts(self, variant: str) -> list[str]:
        """Return the names of the documents artifacts that a variant's `cut` steps made, in order."""
        return list(self.manifest.extra.get("cuts", {}).get(variant, []))

    def text_suffix(self, variant: str | None) -> str:
        """Return what the names of artifacts of a variant's own text end with; empty where it shares its text."""
        name = self._text_name(variant)
        return "" if name == self._text_name(None) else f"@{name}"

    def _text_name(self, variant: str | None) -> str:
        """Return the name of the documents artifact with a variant's text; old corpora have the documents alone."""
        return str(self.manifest.extra.get("texts", {}).get(variant or "", "documents"))

    @property
    def variants(self) -> list[str]:
        """Names of the data variants."""
        return list(self.artifacts.get("variant", {}))

    def shard_sets(self, tokenizer: str) -> list[str]:
        """Return the names of a tokenizer's shards: its own name, and with `@<variant>` or `@<text>`."""
        return [name for name in self.artifacts.get("shards", {}) if name.split("@")[0] == tokenizer]

    def batches(
        self, columns: Sequence[str] | None = None, *, signals: Sequence[str] = (), variant: str | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield documents in order, with signals beside them; only the kept ones where a variant is named.

        Texts are those that the recipe's cleaners left, and for a variant its own cleaners and `cut` steps; signals
        were measured before the latter.

        Args:
            columns: document columns; all by default.
            signals: signals as `group.name`; where a variant is named, measured on its text.
            variant: a variant's name; its documents alone.

        Raises:
            ArtifactError: an unknown signal group or variant.
            CorruptArtifact: a sidecar does not match its documents.
        """
        folder = self.kept_text_folder(variant)
        for part in manifest.read(folder).parts:
            beside = self._beside(part, signals, variant)
            first = 0
            for batch in read_split(folder, part["name"], columns=columns):
                yield _joined(batch, beside, first)
                first += len(batch)

    def _beside(self, part: Mapping[str, Any], signals: Sequence[str], variant: str | None) -> dict[str, pa.Array]:
        """Return the signals of one split by name, and the variant's verdicts as `kept`."""
        folders = {signal: self.signal_folder(signal, variant) for signal in signals}
        read = {signal: sidecars.read(folder, part, [signal]) for signal, folder in folders.items()}
        if variant:
            read["kept"] = sidecars.read(self.artifact("variant", variant), part, ["kept"])
        return {name: table.column(0).combine_chunks() for name, table in read.items()}

    def signal_folder(self, signal: str, variant: str | None) -> str:
        """Return the sidecars of a signal: those measured on the variant's own text, where it has one."""
        group, suffix = signal.split(".")[0], self.text_suffix(variant)
        named = self.artifacts.get("signals", {})
        if group + suffix in named:
            folder = self.artifact("signals", group + suffix)
            if signal in manifest.read(folder).extra.get("columns", [signal]):
                return folder
        folder = self.artifact("signals", group)
        if suffix and manifest.read(folder).extra.get("reads") == "text":
            raise ArtifactError(f"{self.folder}: {signal} was not measured on the text of variant {variant!r}")
        return folder

    def read(self, columns: Sequence[str] | None = None, **options: Any) -> pa.Table:
        """Return all of `batches` as one table; for corpora that fit in memory."""
        return pa.Table.from_batches(list(self.batches(columns, **options)))


def _joined(batch: pa.RecordBatch, beside: Mapping[str, pa.Array], first: int) -> pa.RecordBatch:
    rows = {name: column.slice(first, len(batch)) for name, column in beside.items()}
    kept = rows.pop("kept", None)
    joined = pa.RecordBatch.from_arrays([*batch.columns, *rows.values()], names=[*batch.schema.names, *rows])
    return joined if kept is None else joined.filter(kept)


def open_artifact(path: str) -> "Corpus | Shards | Manifest | Iterator[pa.RecordBatch]":
    """Open what corpuskit made: a corpus, token shards, documents (batches), or the manifest of anything else.

    Raises:
        ArtifactError: the folder is not an artifact.
    """
    found = manifest.read(path)
    if found.kind == "corpus":
        return Corpus(path)
    if found.kind == "shards":
        return Shards.open(path)
    return read_documents(path) if found.kind == "documents" else found
