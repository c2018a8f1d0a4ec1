"""Reads parallel sentences: the same ones in several languages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from corpuskit import storage
from corpuskit.errors import InputError
from corpuskit.tasks import files

LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*(?=\.)")
"""How the name of a language's file begins: `en.txt`, `zh-Hant.tsv`, `eng_Latn.txt.gz`; others are none."""
KEY_FIELD = "id"
"""A column or field that names the sentence and is no language."""
LEAST_SHARE = 0.5
"""A language with fewer sentences than this share of the fullest one's is left out, rather than all others' lines."""

Sentences = dict[str, str]
"""Sentences of one language by what they have in common with those of others: a line number or an id."""


@dataclass(frozen=True, eq=False)
class Parallel:
    """The same sentences in several languages.

    Attributes:
        name: of the set.
        languages: language to large_string[lines], sentence i of one the translation of sentence i of another; none
            is blank.
        left_out: languages that have too few of the sentences.
    """

    name: str
    languages: Mapping[str, pa.LargeStringArray]
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.languages) < 2:
            raise InputError(f"{self.name}: parallel sentences need two languages or more")
        if len({len(column) for column in self.languages.values()}) != 1:
            raise InputError(f"{self.name}: the languages have different numbers of sentences")
        if not self.lines:
            raise InputError(f"{self.name}: there is no sentence that all languages have")

    @property
    def lines(self) -> int:
        """Sentences of each language."""
        return len(next(iter(self.languages.values())))


def load(path: str) -> Parallel:
    """Read parallel sentences; any file may end in `.gz` or `.zst`, and must be UTF-8.

    Args:
        path: one of
            a folder (or pattern) of `<language>.txt`, one sentence a line, all with as many lines;
            a folder of `<language>.tsv`, each line an id, a tab and a sentence, matched by id;
            a `.tsv` file whose first line names the languages, one column each (`id` is none);
            a `.jsonl` file of objects, language to sentence (`id` is none).
            In a folder, what stands before the first dot of a file's name is the language: two or three small letters,
            and subtags after `-` or `_`. Where two files have the same, all before the last suffix. Files with other
            names are passed over.

    Returns:
        The sentences that all languages have; a blank one counts as missing.

    Raises:
        InputError: nothing is there, a file cannot be read, lines do not match, or fewer than two languages are there.
    """
    name = storage.base_name(path.rstrip("/"))
    bare = files.bare_name(path)
    if bare.endswith(".jsonl"):
        return align(name, _from_jsonl(path))
    if bare.endswith(".tsv") and not re.search(r"[*?\[]", path):
        return align(name, _from_table(path))
    return align(name, _from_folder(path))


def align(name: str, languages: Mapping[str, Sentences]) -> Parallel:
    """Keep the sentences that all languages have, in the order of the first.

    A language with fewer than `LEAST_SHARE` of the sentences of the fullest is left out first.

    Raises:
        InputError: fewer than two languages or no sentence are left.
    """
    most = max(map(len, languages.values()), default=0)
    kept = {language: own for language, own in languages.items() if own and len(own) >= LEAST_SHARE * most}
    left_out = tuple(language for language in languages if language not in kept)
    shared = set.intersection(*(set(own) for own in kept.values())) if kept else set()
    keys = [key for key in next(iter(kept.values()), {}) if key in shared]
    columns = {language: pa.array([own[key] for key in keys], pa.large_string()) for language, own in kept.items()}
    return Parallel(name, columns, left_out)


def _from_folder(path: str) -> dict[str, Sentences]:
    found = sorted(stored.path for stored in storage.expand([path]))
    languages = _named([one for one in found if LANGUAGE.match(storage.base_name(one)) and _suffix(one)])
    if not languages:
        raise InputError(f"{path}: no file is called <language>.txt or <language>.tsv, such as en.txt")
    kinds = {_suffix(own) for own in languages.values()}
    if len(kinds) > 1:
        raise InputError(f"{path}: files of lines (.txt) and files of ids (.tsv) cannot be matched")
    if kinds == {"tsv"}:
        return {language: _by_id(own) for language, own in languages.items()}
    return _by_line(languages)


def _suffix(path: str) -> str:
    suffix = files.bare_name(path).rpartition(".")[2]
    return suffix if suffix in ("txt", "tsv") else ""


def _named(paths: list[str]) -> dict[str, str]:
    """Return path by language."""
    short = {path: storage.base_name(path).partition(".")[0] for path in paths}
    names = list(short.values())
    return {name if names.count(name) == 1 else _stem(path): path for path, name in short.items()}


def _stem(path: str) -> str:
    name = storage.base_name(path)
    return name[: len(files.bare_name(name).rpartition(".")[0])]


def _text(path: str) -> str:
    return files.decode(path, files.read(path), "utf-8")


def _lines(path: str) -> list[str]:
    return [line.removesuffix("\r") for line in _text(path).removesuffix("\n").split("\n")]


def _by_line(languages: Mapping[str, str]) -> dict[str, Sentences]:
    read = {language: _lines(path) for language, path in languages.items()}
    first = next(iter(read))
    for language, lines in read.items():
        if len(lines) != len(read[first]):
            counts = f"{languages[language]} has {len(lines)} lines, {languages[first]} {len(read[first])}"
            raise InputError(f"{counts}; line i of one file must be the translation of line i of the other")
    return {language: _present(enumerate(lines)) for language, lines in read.items()}


def _present(lines: Iterator[tuple[object, str]] | enumerate[str]) -> Sentences:
    return {str(key): line for key, line in lines if line.strip()}


def _by_id(path: str) -> Sentences:
    found: Sentences = {}
    for number, line in files.numbered_lines(_text(path)):
        key, tab, text = line.partition("\t")
        if not tab:
            raise InputError(f"{path}:{number}: expected an id, a tab and a sentence")
        if key in found:
            raise InputError(f"{path}:{number}: the id {key!r} occurs twice")
        found[key] = text
    return {key: text for key, text in found.items() if text.strip()}


def _from_table(path: str) -> dict[str, Sentences]:
    rows = [(number, line.split("\t")) for number, line in files.numbered_lines(_text(path))]
    names = rows[0][1] if rows else []
    if len(set(names)) < len(names) or "" in names:
        raise InputError(f"{path}:1: expected a first line that names each column once")
    for number, cells in rows:
        if len(cells) != len(names):
            raise InputError(f"{path}:{number}: {len(cells)} columns, but {len(names)} in the first line")
    columns = {name: [(number, cells[index]) for number, cells in rows[1:]] for index, name in enumerate(names)}
    return {name: _present(iter(cells)) for name, cells in columns.items() if name != KEY_FIELD}


def _from_jsonl(path: str) -> dict[str, Sentences]:
    languages: dict[str, Sentences] = {}
    for place, record in files.json_lines(path, _text(path)):
        for name in record.keys() - {KEY_FIELD}:
            text = files.text_field(place, record, name)
            if text.strip():
                languages.setdefault(name, {})[place] = text
    return dict(sorted(languages.items()))
