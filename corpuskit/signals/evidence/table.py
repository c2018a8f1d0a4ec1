"""The table of evidence: for each signal what to mark in a text, and how to call it."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from corpuskit.contamination import ContaminationConfig
from corpuskit.kernels import WordKind
from corpuskit.signals.composition import FIRST_WORDS, IDEOGRAPH_RANGES
from corpuskit.signals.evidence import line_rules
from corpuskit.signals.evidence.contamination import of_items
from corpuskit.signals.evidence.repetition import all_repeated_n_grams, duplicate_n_grams, top_n_gram
from corpuskit.signals.evidence.spans import (
    Finder,
    Span,
    lines,
    lines_where,
    paragraphs,
    pattern,
    raw_lines,
    repeated,
    words,
    words_where,
)
from corpuskit.signals.fineweb import SHORT, terminal_marks
from corpuskit.signals.gopher import STOP_WORDS

LONG_WORD = 10
"""Characters above which a word is marked where words are too long on average: Gopher's bound of the mean."""
SHORT_WORD = 3
"""Characters below which a word is marked where words are too short on average."""


@dataclass(frozen=True)
class Evidence:
    """What to mark in a text for one signal."""

    what: str
    """The marked parts, in words: `lines that begin with a bullet`."""
    find: Finder
    """Gives them, in text order."""


def evidence(
    signal: str,
    text: str,
    below: bool = False,
    words: WordKind | None = None,
    items: ContaminationConfig | None = None,
) -> tuple[str, list[Span]]:
    """Return what a text has of the thing that a signal measures.

    Args:
        signal: as `group.name`.
        text: the text.
        below: whether the value was too small rather than too large: where these differ, what is too much of instead.
        words: which words the signal counted, where that is a setting of its group; None for the group's default.
        items: the evaluation items that the signals `contamination` looked for, if they are known.

    Returns:
        What the spans are, in words, and the spans; empty for signals that speak of a text as a whole.
    """
    found = (BELOW.get(signal) if below else None) or EVIDENCE.get(signal)
    group, _, column = signal.partition(".")
    if group == "contamination" and items:
        return of_items(column, text, items)
    if words and group in COUNTED:
        table = COUNTED[group](words)
        found = (table.get(f"{column}, below") if below else None) or table.get(column)
    return (found.what, found.find(text)) if found else ("", [])


def _quality(kind: WordKind, bullets: str) -> dict[str, Evidence]:
    """Return the evidence of Gopher's quality signals."""
    return {
        "mean_word_length": Evidence(
            f"words of more than {LONG_WORD} characters", words_where(kind, lambda word: len(word) > LONG_WORD)
        ),
        "hash_ratio": Evidence("hash signs", pattern("#")),
        "ellipsis_ratio": Evidence("ellipses", pattern(r"\.\.\.|…")),
        "bullet_lines": Evidence(
            "lines that begin with a bullet", lines_where(lambda line: line.startswith(tuple(bullets)))
        ),
        "ellipsis_lines": Evidence("lines that end with an ellipsis", lines_where(line_rules.ends_with_ellipsis)),
        "alpha_words": Evidence("words without a letter", words_where(kind, _has_no_letter)),
        "stop_words": Evidence("stop words", words_where(kind, frozenset(STOP_WORDS).__contains__)),
    }


def _has_no_letter(word: str) -> bool:
    return not any(map(str.isalpha, word))


def _repetition(kind: WordKind, datatrove: bool = False) -> dict[str, Evidence]:
    """Return the evidence of Gopher's repetition signals, in one of their two readings."""
    duplicate_lines = Evidence("lines that came before", repeated(raw_lines if datatrove else lines))
    duplicate_paragraphs = Evidence("paragraphs that came before", repeated(paragraphs))
    fewest = 1 if datatrove else 2
    return {
        "duplicate_lines": duplicate_lines,
        "duplicate_line_characters": duplicate_lines,
        "duplicate_paragraphs": duplicate_paragraphs,
        "duplicate_paragraph_characters": duplicate_paragraphs,
        **{f"top_{n}_gram": _top(n, kind, fewest) for n in (2, 3, 4)},
        **{
            f"duplicate_{n}_grams": Evidence(
                f"runs of {n} words that came before", duplicate_n_grams(n, kind, joined=datatrove)
            )
            for n in range(5, 11)
        },
    }


def _top(n: int, kind: WordKind, fewest: int = 2) -> Evidence:
    return Evidence(f"the most frequent run of {n} words", top_n_gram(n, kind, fewest))


def _c4(end_marks: str, min_words: int) -> dict[str, Evidence]:
    """Return the evidence of C4's rules."""

    def few(line: str) -> bool:
        return len(line.split()) < min_words

    return {
        "long_word_lines": Evidence(
            f"words of more than {line_rules.LONGEST_WORD} characters",
            pattern(rf"\S{{{line_rules.LONGEST_WORD + 1},}}"),
        ),
        "no_end_mark_lines": Evidence(
            "lines without an end mark", lines_where(lambda line: not line_rules.is_ended(line, end_marks))
        ),
        "few_word_lines": Evidence(f"lines of fewer than {min_words} words", lines_where(few)),
        "javascript_lines": Evidence("“javascript”", pattern("javascript", re.IGNORECASE)),
        "policy_lines": Evidence("policy phrases", line_rules.POLICY),
        "lorem_ipsum": Evidence("“lorem ipsum”", pattern("lorem ipsum", re.IGNORECASE)),
        "curly_bracket": Evidence("opening curly brackets", pattern(r"\{")),
    }


def _refinedweb() -> dict[str, Evidence]:
    """Return the evidence of RefinedWeb's line-wise rules."""
    own = {
        "uppercase_lines": Evidence("lines mostly in capitals", lines_where(line_rules.is_uppercase)),
        "numeric_lines": Evidence("lines of digits alone", lines_where(line_rules.is_numeric)),
        "counter_lines": Evidence("counters", lines_where(line_rules.is_counter)),
        "one_word_lines": Evidence("lines of one word", lines_where(lambda line: len(line.split()) == 1)),
        "pattern_lines": Evidence("lines of menus and prompts", lines_where(line_rules.is_prompt)),
    }
    finders = [entry.find for entry in own.values()]
    flagged = Evidence("flagged lines", lambda text: sorted({span for find in finders for span in find(text)}))
    return {**own, "flagged_words": flagged}


def _fineweb() -> dict[str, Evidence]:
    """Return the evidence of FineWeb's rules."""
    return {
        "end_mark_lines": Evidence("lines without an end mark", lines_where(_is_open, raw_lines)),
        "short_lines": Evidence(
            f"lines of at most {SHORT} characters", lines_where(lambda line: len(line) <= SHORT, raw_lines)
        ),
        "duplicate_line_characters": Evidence("lines that came before", repeated(raw_lines)),
    }


def _is_open(line: str) -> bool:
    """Whether a line ends with none of FineWeb's marks."""
    return not terminal_marks()[ord(line[-1])]


def _redpajama() -> dict[str, Evidence]:
    """Return the evidence of RedPajama-V2's signals."""
    kind: WordKind = "unicode"
    return {
        "curly_bracket": Evidence("curly brackets", pattern(r"[{}]")),
        "lorem_ipsum": Evidence("“lorem ipsum”", pattern("lorem ipsum", re.IGNORECASE)),
        "frac_all_caps_words": Evidence("words in capitals", words_where("whitespace", str.isupper)),
        "frac_lines_end_with_ellipsis": Evidence(
            "lines that end with an ellipsis", lines_where(line_rules.ends_with_ellipsis)
        ),
        "frac_no_alph_words": Evidence("words without a letter", words_where("whitespace", _has_no_letter)),
        "frac_unique_words": Evidence("words that came before", repeated(lambda text: words(text, kind))),
        "symbol_to_word_ratio": Evidence("hash signs and ellipses", pattern(r"#|\.\.\.|…")),
        "javascript_counts": Evidence("“javascript”", pattern("javascript", re.IGNORECASE)),
        "numerical_chars_fraction": Evidence("digits", pattern(r"\d+")),
        "start_with_bulletpoint": Evidence("lines that begin with a bullet", lines_where(line_rules.is_bullet)),
        "uppercase_letter_fraction": Evidence("capitals", _characters_where(str.isupper)),
        "ending_with_terminal_punctuation_mark": Evidence(
            "lines without an end mark", lines_where(lambda line: not line_rules.is_ended(line, '.!?"”'))
        ),
        **{f"frac_chars_top_{n}gram": _top(n, kind) for n in (2, 3, 4)},
        **{
            f"frac_chars_dupe_{n}grams": Evidence(f"runs of {n} words that occur again", all_repeated_n_grams(n, kind))
            for n in range(5, 11)
        },
    }


def _characters_where(holds: Callable[[str], bool]) -> Finder:
    """Return a finder of the runs of characters for which `holds` is true."""

    def find(text: str) -> list[Span]:
        found: list[Span] = []
        for place, character in enumerate(text):
            if not holds(character):
                continue
            start = found.pop()[0] if found and found[-1][1] == place else place
            found.append((start, place + 1))
        return found

    return find


def _is_ideograph(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in IDEOGRAPH_RANGES)


def _of_category(first: str) -> Finder:
    return _characters_where(lambda character: unicodedata.category(character).startswith(first))


def _composition() -> dict[str, Evidence]:
    """Return the evidence of the signals of what a text is made of."""

    def first_words(text: str) -> list[Span]:
        return words(text, "unicode")[:FIRST_WORDS]

    return {
        "cjk_ratio": Evidence("ideographs", _characters_where(_is_ideograph)),
        "punctuation_ratio": Evidence("punctuation", _of_category("P")),
        "symbol_ratio": Evidence("symbols", _of_category("S")),
        "digit_ratio": Evidence("digits", pattern(r"\d+")),
        "uppercase_ratio": Evidence("capitals", _characters_where(str.isupper)),
        "whitespace_ratio": Evidence("runs of white space", pattern(r"\s{2,}")),
        "unique_words": Evidence("words that came before", repeated(first_words)),
    }


def _named(group: str, columns: Mapping[str, Evidence]) -> dict[str, Evidence]:
    return {f"{group}.{column}": found for column, found in columns.items()}


def _short_words(kind: WordKind) -> Evidence:
    return Evidence(
        f"words of fewer than {SHORT_WORD} characters", words_where(kind, lambda word: len(word) < SHORT_WORD)
    )


def _gopher_datatrove(kind: WordKind) -> dict[str, Evidence]:
    return _quality(kind, "•-") | _repetition(kind, datatrove=True)


EVIDENCE: dict[str, Evidence] = {
    **_named("gopher", _quality("whitespace", "•●*-") | _repetition("whitespace")),
    **_named("gopher@datatrove", _gopher_datatrove("tokens")),
    **_named("repetition", _repetition("unicode")),
    **_named("c4", _c4(".?!\"'”’", 3)),
    **_named("c4@datatrove", _c4(".?!\"'", 3)),
    **_named("c4@fineweb", {name: found for name, found in _c4("", 3).items() if name != "no_end_mark_lines"}),
    **_named("c4@tfds", _c4('.?!"', 5)),
    **_named("fineweb@datatrove", _fineweb()),
    **_named("refinedweb", _refinedweb()),
    **_named("redpajama", _redpajama()),
    **_named("composition", _composition()),
    "clean.c4_curly_bracket": Evidence("opening curly brackets", pattern(r"\{")),
    "clean.c4_lorem_ipsum": Evidence("“lorem ipsum”", pattern("lorem ipsum", re.IGNORECASE)),
}
"""What to mark where a signal is too large, or for signals that say what a text lacks, where it is too small."""


BELOW: dict[str, Evidence] = {
    "gopher.mean_word_length": _short_words("whitespace"),
    "gopher@datatrove.mean_word_length": _short_words("tokens"),
    "redpajama.mean_word_length": _short_words("unicode"),
    "composition.cjk_ratio": Evidence(
        "letters that are no ideographs",
        _characters_where(lambda character: character.isalpha() and not _is_ideograph(character)),
    ),
}
"""What to mark instead where a signal is too small."""

COUNTED: dict[str, Callable[[WordKind], dict[str, Evidence]]] = {
    "gopher@datatrove": lambda kind: {**_gopher_datatrove(kind), "mean_word_length, below": _short_words(kind)},
    "repetition": _repetition,
}
"""Groups whose words are a setting: their evidence by column, for those words."""
