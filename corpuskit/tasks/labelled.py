"""Labelled texts of the user: label first, CSV, TSV or JSONL."""

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from corpuskit.config import Config
from corpuskit.errors import InputError, nearest
from corpuskit.tasks import files
from corpuskit.tasks.task import Classification, Example, classification, rank, same_text, sample

Format = Literal["label_first", "csv", "tsv", "jsonl"]
FORMATS: dict[str, Format] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""Format by the file's suffix; any other suffix means `label_first`."""


class LabelledConfig(Config):
    """Files of labelled texts, each plain or compressed (`.gz`, `.zst`).

    * `label_first`: label, white space, text; the layout of the sentence sets of Kim (2014): SST-2, TREC, …
    * `csv`: quoted as in RFC 4180. `tsv`: tabs, no quoting, as GLUE writes it.
    * `jsonl`: an object a line.

    Rows whose text is empty are left out and counted. With one file, a fixed share of its distinct texts is tested on.
    """

    kind: Literal["labelled"] = "labelled"
    """Classification of the user's labelled texts."""
    train: str
    """File to train on, or to split."""
    test: str | None = None
    """File to test on; None splits `train`."""
    format: Format | None = None
    """None goes by the suffix: .csv, .tsv, .jsonl, else label_first."""
    text: str | int = "text"
    """Column of the text: its header or field name, or its number from 0."""
    label: str | int = "label"
    """Column of the label: its header or field name, or its number from 0."""
    header: bool | None = None
    """Whether CSV and TSV files start with a header row; None: they do where the columns are given by name."""
    encoding: str = "utf-8"
    """Encoding of the files, such as `latin-1` (the published TREC training file) or `gb18030`."""
    test_share: float = Field(0.2, gt=0, lt=1)
    """Share of the texts to test on when there is one file."""
    max_train: int | None = Field(None, ge=2)
    """Train on a fixed sample of this many texts."""
    max_test: int | None = Field(None, ge=1)
    """Test on a fixed sample of this many texts."""
    seed: int = 0
    """Decides the split and the samples."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"{value!r} is not an encoding that Python knows") from None
        return value

    @model_validator(mode="after")
    def _consistent_columns(self) -> "LabelledConfig":
        named = isinstance(self.text, str)
        if named != isinstance(self.label, str):
            raise ValueError("give `text` and `label` both by name or both by number")
        if named and self.header is False:
            raise ValueError("a file without a header needs column numbers in `text` and `label`")
        if self.text == self.label:
            raise ValueError("`text` and `label` are the same column")
        if not named and min(int(self.text), int(self.label)) < 0:
            raise ValueError("column numbers start at 0")
        if not named and "jsonl" in {self.format_of(path) for path in (self.train, self.test) if path}:
            raise ValueError("JSONL fields have names: give `text` and `label` by name")
        return self

    def format_of(self, path: str) -> Format:
        """Return the format of one of the files."""
        if self.format is not None:
            return self.format
        return FORMATS.get(PurePosixPath(files.bare_name(path)).suffix, "label_first")


class Row(NamedTuple):
    """One labelled text and its place in the file, `path:line`."""

    text: str
    label: str
    place: str


def load(config: LabelledConfig, name: str) -> Classification:
    """Read the files and build the task; training texts that are in the test set too are removed.

    Raises:
        InputError: a file cannot be read, a row is malformed, or a test label never occurs in training; the message
            names file and line.
    """
    rows = read_rows(config, config.train)
    if config.test is None:
        train, test = _split(config, rows)
    else:
        train, test = rows, read_rows(config, config.test)
    empty = sum(not row.text.strip() for row in (*train, *test))
    train, test = _sampled(config, train, config.max_train), _sampled(config, test, config.max_test)
    labels = _ordered({row.label for row in train})
    return classification(name, labels, _examples(train, labels), _examples(test, labels), {"empty": empty})


def read_rows(config: LabelledConfig, path: str) -> list[Row]:
    """Read all rows of one file, empty texts included.

    Raises:
        InputError: naming the file and the line of the first malformed row.
    """
    text = files.decode(path, files.read(path), config.encoding)
    layout = config.format_of(path)
    if layout == "jsonl":
        return list(_json_rows(config, path, text))
    if layout == "label_first":
        return list(_label_first(path, text))
    return list(_column_rows(config, path, text, layout))


def _label_first(path: str, text: str) -> Iterator[Row]:
    for number, line in files.numbered_lines(text):
        parts = line.split(maxsplit=1)
        if len(parts) < 2:
            raise InputError(f"{path}:{number}: expected a label, a space and a text, found {line!r}")
        yield Row(parts[1].rstrip(), parts[0], f"{path}:{number}")


def _json_rows(config: LabelledConfig, path: str, text: str) -> Iterator[Row]:
    for place, record in files.json_lines(path, text):
        label = record.get(str(config.label))
        if not isinstance(label, str | int) or label == "":
            found = f"it holds {label!r}" if config.label in record else f"the fields are {', '.join(record)}"
            raise InputError(f"{place}: expected a label in the field {config.label!r}; {found}")
        yield Row(files.text_field(place, record, str(config.text)), str(label), place)


def _column_rows(config: LabelledConfig, path: str, text: str, layout: Format) -> Iterator[Row]:
    table = _table(path, text, layout)
    first_line, first = next(table, (0, []))
    if not first:
        raise InputError(f"{path}: the file has no rows")
    columns = [_column(path, column, first) for column in (config.text, config.label)]
    named = isinstance(config.text, str) if config.header is None else config.header
    if not named:
        yield _row(f"{path}:{first_line}", first, columns)
    for line, row in table:
        if len(row) != len(first):
            raise InputError(f"{path}:{line}: {len(row)} columns, expected {len(first)} as in the first row")
        yield _row(f"{path}:{line}", row, columns)


def _table(path: str, text: str, layout: Format) -> Iterator[tuple[int, list[str]]]:
    """Yield (line where the row starts, fields) of the rows that are not blank."""
    if layout == "tsv":
        yield from ((number, line.split("\t")) for number, line in files.numbered_lines(text))
        return
    reader = csv.reader((line + "\n" for line in text.split("\n")), strict=True)
    start = 1
    try:
        for row in reader:
            if row and (len(row) > 1 or row[0].strip()):
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{start}: not a CSV row: {error}") from error


def _column(path: str, column: str | int, first: Sequence[str]) -> int:
    if isinstance(column, int):
        if column >= len(first):
            raise InputError(f"{path}: there is no column {column}; the first row has {len(first)} (counted from 0)")
        return column
    names = [name.strip() for name in first]
    if column not in names:
        raise InputError(f"{path}: the header has no column {column!r}{nearest(column, names)}")
    return names.index(column)


def _row(place: str, fields: Sequence[str], columns: Sequence[int]) -> Row:
    text, label = (fields[column].strip() for column in columns)
    if not label:
        raise InputError(f"{place}: the label is empty")
    return Row(text, label, place)


def _split(config: LabelledConfig, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return (train, test): a text's side depends on the text and the seed alone, so equal texts never part."""
    limit = round(config.test_share * 2**64)
    tested = [rank(same_text(row.text), config.seed, "split") < limit for row in rows]
    train = [row for row, held in zip(rows, tested, strict=True) if not held]
    return train, [row for row, held in zip(rows, tested, strict=True) if held]


def _sampled(config: LabelledConfig, rows: Sequence[Row], limit: int | None) -> list[Row]:
    usable = [row for row in rows if row.text.strip()]
    return sample(usable, [rank(same_text(row.text), config.seed, "sample") for row in usable], limit)


def _ordered(labels: set[str]) -> list[str]:
    """Return the labels sorted: by value where all are whole numbers, else as text."""
    return sorted(labels, key=int) if all(label.isdecimal() for label in labels) else sorted(labels)


def _examples(rows: Sequence[Row], labels: Sequence[str]) -> list[Example]:
    index = {label: position for position, label in enumerate(labels)}
    unknown = Counter(row.label for row in rows if row.label not in index)
    if unknown:
        place = next(row.place for row in rows if row.label in unknown)
        wrong = ", ".join(sorted(unknown))
        raise InputError(f"{place}: label {wrong} never occurs in the training texts; known: {', '.join(labels)}")
    return [Example(row.text, index[row.label]) for row in rows]
