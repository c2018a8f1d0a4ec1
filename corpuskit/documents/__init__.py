"""Documents: the schema, input formats, ingestion into parts, reading back and export."""

from corpuskit.documents.export import write_export, write_jsonl
from corpuskit.documents.formats import FORMATS, plan, read
from corpuskit.documents.ingest import (
    check_errors,
    ingest_piece,
    read_errors,
    reading_seconds,
    require_documents,
    write_errors,
)
from corpuskit.documents.parts import read_documents, read_split, write_parquet
from corpuskit.documents.pieces import FileRange, Piece, identify
from corpuskit.documents.records import ALL, BadRecord, Choice, Records
from corpuskit.documents.sampling import sample_mask
from corpuskit.documents.schema import ERROR_SCHEMA, SCHEMA, HeldoutConfig, heldout_mask, make_key
from corpuskit.documents.source import SourceConfig

__all__ = [
    "ALL",
    "ERROR_SCHEMA",
    "FORMATS",
    "SCHEMA",
    "BadRecord",
    "Choice",
    "FileRange",
    "HeldoutConfig",
    "Piece",
    "Records",
    "SourceConfig",
    "check_errors",
    "heldout_mask",
    "identify",
    "ingest_piece",
    "make_key",
    "plan",
    "read",
    "read_documents",
    "read_errors",
    "read_split",
    "reading_seconds",
    "require_documents",
    "sample_mask",
    "write_errors",
    "write_export",
    "write_jsonl",
    "write_parquet",
]
