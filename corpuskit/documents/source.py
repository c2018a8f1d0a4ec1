"""What a recipe says about one input: `SourceConfig`."""

import codecs
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from corpuskit.config import Bytes, Config

PYDOCS_BYTES = 32_000_000
"""Default of `max_bytes` for the source `pydocs`."""


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class SourceConfig(Config):
    """One input of a corpus: which files, how they are read, and which fields become columns."""

    name: str = Field(pattern=r"^[\w.-]+$")
    """Fills the column `source`, and is part of every document's key."""
    paths: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = ()
    """Files, folders (recursive, through links, without hidden files), globs, fsspec URLs. For `pydocs`: source trees
    instead of the running Python."""
    format: Literal["auto", "jsonl", "parquet", "arrow", "text", "warc", "wikipedia", "html", "pydocs"] = "auto"
    """`auto` goes by the files' suffixes. With a format given, folders are searched for its suffixes only."""
    text: str = "text"
    """Field or column that holds the text."""
    id: str = "id"
    """Field or column that holds the record's id; where it is missing or null, the id is `<input name>:<offset>`."""
    url: str = "url"
    """Field or column that holds the URL."""
    timestamp: str = "timestamp"
    """Field or column that holds the time: ISO 8601 or seconds since 1970; UTC where no zone is given."""
    document: Literal["file", "line", "separator"] = "file"
    """For `text`: what one document is."""
    separator: str = Field(default="\n\n", min_length=1)
    """For `document: separator`: the exact characters between two documents."""
    encoding: str = "utf-8"
    """Encoding of JSONL and text files; any that keeps ASCII as it is."""
    max_bytes: Bytes | None = Field(default=None, ge=1)
    """Read at most about this many bytes (decompressed): the beginning of each file, in proportion to its size.
    Parquet and Arrow stop at whole row groups; of whole-file documents the first files are taken. `pydocs`: 32 MB."""
    link: bool = True
    """For `parquet`: point to the text in the user's file, where types allow, rather than copying it. Files that need
    `storage_options` are always copied."""
    storage_options: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    """Credentials and settings of the remote file system (fsspec); never written to manifests or reports."""

    @field_validator("encoding")
    @classmethod
    def _ascii_compatible(cls, value: str) -> str:
        try:
            name = codecs.lookup(value).name
            compatible = "\n{}\"'".encode(name) == b"\n{}\"'"
        except (LookupError, UnicodeError):
            raise ValueError(f"{value!r} is not a text encoding that Python knows") from None
        if not compatible:
            raise ValueError(f"{value!r} does not keep ASCII as it is; convert the files to UTF-8 first")
        return name

    @model_validator(mode="after")
    def _has_paths(self) -> "SourceConfig":
        if not self.paths and self.format != "pydocs":
            raise ValueError(f"source {self.name!r} has no paths")
        return self

    def identity(self) -> dict[str, Any]:
        """Return what decides the documents besides the files: all but where they lie and how to get there."""
        return self.model_dump(mode="json", exclude={"paths", "storage_options"})
