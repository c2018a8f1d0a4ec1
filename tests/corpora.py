"""A small made corpus with everything that goes wrong, and recipes over it.

About 300 short records in three files of two sources (plain, gzip, zstd): prose, Chinese, exact and near duplicates
within and across files, empty and short texts, odd Unicode, and malformed records. The same bytes on every machine.
"""

import gzip
import json
import os
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import yaml
import zstandard

from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build

SOURCES = {"web": ("a.jsonl", "b.jsonl.gz"), "news": ("c.jsonl.zst",)}
"""Source -> its files, in the order in which they are read."""
MODIFIED = 1_600_000_000
"""Modification time of every file: it enters fingerprints, so copies of the corpus share them."""
ENGLISH = """
the be to of and that have with a in it for not on he as you do at this but his by from they we say her she or
an will my one all would there their what so up out if about who get which go me when make can like time no
just him know take people into year your good some could them see other than then now look only come its over
think also back after use two how our work first well way even new want because any these give day most us
river mountain garden window letter market engine signal bridge harbour forest village teacher winter summer
morning evening paper question answer number colour music story animal machine kitchen island valley science
history
"""
WORDS = ENGLISH.split()
IDEOGRAPHS = (
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出"
    "而要于就下得可你年生自会那后能对着事其里所去行过家十用发天"
)
ODD_TEXTS = (
    "a null \0 and a byte order mark \ufeff inside, and that is all there is to say about it",
    "line\u2028separator, next\x85line, vertical\x0btab, no-break\u00a0space, and zero\u200bwidth\u200djoiner",
    "combining e\u0301\u0302\u0327 marks, RTL \u202eabc\u202c שלום עולם, मनुष्य, ภาษาไทย, 한국어 텍스트, かなカナ々〇",
    "emoji 👩\u200d👩\u200d👧\u200d👦 🇩🇪 and beyond the first plane 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0002a6df \U0010ffff",
    "special <|endoftext|> [CLS] <s> </s> \ue000 \ufffd ids must never come out of a text, they come with the stream",
    "\r\nwindows\r\nlines\r\n\r\n\t tabs \t and   spaces   \n\n\n",
    "#tags #everywhere #and #more #hashes ### ... … ... … .... and that is to be the end of it ...",
)
MALFORMED = (
    b"this is no JSON",
    b'{"id": "no-text", "body": "a record without the field"}',
    b'{"id": "number", "text": 17}',
    b'{"id": "bad-utf8", "text": "caf\xe9"}',
    b'["a", "list"]',
    b'{"id": "surrogate", "text": "\\ud800"}',
    b'{"id": "cut", "text": "never clo',
)


class Dice:
    """Numbers that stay the same in every version of every library."""

    def __init__(self, seed: int) -> None:
        self._words = np.random.Philox(key=seed)

    def below(self, n: int) -> int:
        return int(self._words.random_raw()) % n

    def pick(self, values: Any, count: int) -> list[Any]:
        return [values[self.below(len(values))] for _ in range(count)]


def prose(dice: Dice, words: int) -> str:
    """Sentences in lines, of common words."""
    text = ""
    for number, word in enumerate(dice.pick(WORDS, words)):
        start = number % 12 == 0
        text += ("\n" if start and number % 36 == 0 else " ") + (word.title() if start else word)
        text += "." if number % 12 == 11 else ""
    return text.strip() + "."


def chinese(dice: Dice, characters: int) -> str:
    text = "".join(dice.pick(IDEOGRAPHS, characters))
    return "".join(text[start : start + 15] + "，。"[start % 2] for start in range(0, characters, 15))


def edited(dice: Dice, text: str, edits: int = 1) -> str:
    """The text with some words (or characters of a text without spaces) replaced: a near duplicate."""
    units = text.split(" ") if " " in text else list(text)
    for _ in range(edits):
        units[dice.below(len(units))] = "changed" if " " in text else "换"
    return (" " if " " in text else "").join(units)


def texts() -> list[str]:
    """About 300 texts in a mixed order; copies come after, and in other files than, what they are copies of."""
    dice = Dice(1)
    base = [prose(dice, 40 + dice.below(70)) for _ in range(145)]
    base += [chinese(dice, 60 + dice.below(120)) for _ in range(16)]
    lists = ["\n".join(f"- {word} {number}" for number, word in enumerate(dice.pick(WORDS, 25))) for _ in range(6)]
    repeated = ["the same and the same " * 12 + prose(dice, 6) for _ in range(6)]
    base += [*lists, *repeated, *ODD_TEXTS]
    copies = dice.pick(base, 35)
    near = [edited(dice, text) for text in dice.pick(base[:165], 40)]
    chains = [edited(dice, text, 2) for text in near[:10]]
    short = [" ".join(dice.pick(WORDS, 1 + dice.below(4))) for _ in range(16)]
    blank = ["", "", "", " ", "\n\n", ""]
    return [*base, *near[:25], *short, *copies, *blank, *near[25:], *chains]


def record(number: int, text: str) -> dict[str, Any]:
    """One record: ids of all kinds, some missing, some taken twice; url, time and metadata here and there."""
    fields: dict[str, Any] = {"id": f"doc-{number}", "text": text}
    if number % 11 == 3:
        del fields["id"]
    elif number % 11 == 5:
        fields["id"] = number
    elif number % 37 == 20:
        fields["id"] = "taken-twice"
    if number % 3 == 0:
        fields["url"] = f"https://example.org/{number % 50}"
    if number % 4 == 0:
        fields["timestamp"] = 1_500_000_000 + number if number % 8 else "2021-03-04T05:06:07Z"
    if number % 5 == 0:
        fields |= {"lang": "de" if number % 2 else None, "tags": [number, {"deep": "ü"}]}
    return fields


def lines() -> dict[str, list[bytes]]:
    """The lines of each file, malformed ones among them; texts are dealt out in turns, so copies cross files."""
    names = [name for files in SOURCES.values() for name in files]
    dealt: dict[str, list[bytes]] = {name: [] for name in names}
    for (number, text), name in zip(enumerate(texts()), cycle(names), strict=False):
        dealt[name].append(json.dumps(record(number, text), ensure_ascii=number % 2 == 0).encode())
    for number, (line, name) in enumerate(zip(MALFORMED, islice(cycle(names), len(MALFORMED)), strict=True)):
        dealt[name].insert(10 + 12 * number, line)
    dealt[names[0]].insert(5, b"   ")  # a blank line is no record
    return dealt


def write_corpus(folder: Path) -> Path:
    """Write the three files (and a list of documents to exclude) to a folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    packers = {".gz": lambda data: gzip.compress(data, mtime=0), ".zst": zstandard.ZstdCompressor().compress}
    for name, content in lines().items():
        data = b"\n".join(content) + b"\n"
        write_file(folder / name, packers.get(Path(name).suffix, bytes)(data))
    write_file(folder / "takedowns.txt", b"# ids and urls\ndoc-4\nhttps://example.org/12\n\n")
    return folder


def write_file(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    os.utime(path, (MODIFIED, MODIFIED))


PROSE_RULES = [
    {"signal": "length.words", "min": 20, "reason": "too_short"},
    {"signal": "gopher.bullet_lines", "max": 0.5},
    {"signal": "gopher.hash_ratio", "max": 0.1, "missing": "keep"},
    {"signal": "composition.unique_words", "min": 0.3},
    {"signal": "gopher.mean_word_length", "min": 2, "max": 120},
]
CHINESE_RULES = [{"signal": "composition.cjk_ratio", "min": 0.5}, {"signal": "length.characters", "max": 200}]


def small_fields(corpus: Path) -> dict[str, Any]:
    """Two variants and one tokenizer: enough for every step to have something to do."""
    return {
        "name": "made",
        "sources": [{"name": name, "paths": [str(corpus / file) for file in files]} for name, files in SOURCES.items()],
        "split_bytes": 40_000,
        "max_error_rate": 0.05,
        "heldout": {"share": 0.15},
        "signals": ["length"],
        "dedup": {},
        "variants": {"raw": {}, "filtered": {"deduplicate": True, "policy": {"rules": PROSE_RULES}}},
        "tokenizers": {"bpe": {"type": "bpe", "vocab_size": 600, "train_on": "filtered", "max_train_bytes": 40_000}},
    }


def full_fields(corpus: Path) -> dict[str, Any]:
    """Variants and tokenizers of every kind that data steps tell apart."""
    fields = small_fields(corpus)
    fields["variants"] |= {
        "unique": {"deduplicate": True, "policy": {"exclude": [str(corpus / "takedowns.txt")]}},
        "chinese": {"policy": {"rules": CHINESE_RULES}},
    }
    fields["tokenizers"]["bpe_raw"] = {"type": "bpe", "vocab_size": 500}  # on the first variant, raw
    return fields


def small_recipe(corpus: Path, **changes: Any) -> Recipe:
    return build({**small_fields(corpus), **changes})


def full_recipe(corpus: Path, **changes: Any) -> Recipe:
    return build({**full_fields(corpus), **changes})


def write_recipe(path: Path, fields: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))
    return path
