"""Ready-made rules, each with its source and the languages it is meant for."""

from collections.abc import Iterable
from dataclasses import dataclass

from corpuskit.errors import RecipeError
from corpuskit.policy.rule import Rule

ENGLISH = ("en", "eng")
CHINESE = ("zh", "zho", "cmn")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A named list of rules."""

    definition: str
    """Whose numbers these are."""
    languages: tuple[str, ...] = ()
    """The languages it is meant for (ISO 639-1 and 639-3 codes); empty: any."""
    rules: tuple[Rule, ...] = ()
    """The rules, in the order in which they are tried."""


def _at_most(group: str, **bounds: float) -> tuple[Rule, ...]:
    """Return a rule for each signal of a group that has a largest value."""
    return tuple(Rule(signal=f"{group}.{column}", max=bound) for column, bound in bounds.items())


def _repetition(group: str) -> tuple[Rule, ...]:
    """Return the thresholds of Rae et al. 2021, table A1, in the order in which datatrove tries them."""
    return _at_most(
        group,
        duplicate_paragraphs=0.30,
        duplicate_paragraph_characters=0.20,
        duplicate_lines=0.30,
        duplicate_line_characters=0.20,
        top_2_gram=0.20,
        top_3_gram=0.18,
        top_4_gram=0.16,
        duplicate_5_grams=0.15,
        duplicate_6_grams=0.14,
        duplicate_7_grams=0.13,
        duplicate_8_grams=0.12,
        duplicate_9_grams=0.11,
        duplicate_10_grams=0.10,
    )


def _quality(group: str) -> tuple[Rule, ...]:
    """Return the thresholds of Rae et al. 2021, appendix A, quality filtering, in the order of the paper."""
    return (
        Rule(signal=f"{group}.words", min=50, max=100_000),
        Rule(signal=f"{group}.mean_word_length", min=3, max=10),
        Rule(signal=f"{group}.hash_ratio", max=0.1),
        Rule(signal=f"{group}.ellipsis_ratio", max=0.1),
        Rule(signal=f"{group}.bullet_lines", max=0.9),
        Rule(signal=f"{group}.ellipsis_lines", max=0.3),
        Rule(signal=f"{group}.alpha_words", min=0.8),
        Rule(signal=f"{group}.stop_words", min=2),
    )


def _c4(group: str, sentences: int) -> tuple[Rule, ...]:
    """Return C4's rules for whole pages."""
    return (*_at_most(group, lorem_ipsum=0, curly_bracket=0), Rule(signal=f"{group}.sentences", min=sentences))


NONE = Preset(definition="keeps every document")

GOPHER = Preset(
    definition=(
        "Rae et al. 2021 (Gopher), appendix A, quality filtering and repetition removal (table A1); words are split at "
        "white space"
    ),
    languages=ENGLISH,
    rules=(*_quality("gopher"), *_repetition("gopher")),
)

GOPHER_DATATROVE = Preset(
    definition=(
        "datatrove 0.10, GopherRepetitionFilter, then GopherQualityFilter, with their defaults; words are tokens, "
        "punctuation marks included"
    ),
    languages=ENGLISH,
    rules=(*_repetition("gopher@datatrove"), *_quality("gopher@datatrove")),
)

C4 = Preset(
    definition=(
        "Raffel et al. 2020 (C4), section 2.2, the rules for whole pages: five sentences in the lines that stay, no "
        "`lorem ipsum` and no `{` anywhere; lines are dropped by the cleaner `c4_lines` (after it, judge what it "
        "counted, `clean.c4_sentences` and the like), bad words need a word list"
    ),
    languages=ENGLISH,
    rules=_c4("c4", 5),
)

C4_DATATROVE = Preset(
    definition="datatrove 0.10, C4QualityFilter with its defaults, the rules for whole pages",
    languages=ENGLISH,
    rules=_c4("c4@datatrove", 5),
)

C4_TFDS = Preset(
    definition="TensorFlow Datasets, clean_page of c4_utils.py, the rules for whole pages",
    languages=ENGLISH,
    rules=_c4("c4@tfds", 3),
)

FINEWEB_DATATROVE = Preset(
    definition=(
        "datatrove 0.10, FineWebQualityFilter with its defaults (Penedo et al. 2024, section 3.6, print 0.1 for its "
        "0.01 and drop exact ties); words are tokens, punctuation marks included"
    ),
    languages=ENGLISH,
    rules=(
        Rule(signal="fineweb@datatrove.end_mark_lines", min=0.12),
        *_at_most("fineweb@datatrove", short_lines=0.67, duplicate_line_characters=0.01, newlines_per_word=0.3),
    ),
)

FINEWEB = Preset(
    definition=(
        "Penedo et al. 2024 (FineWeb), as datatrove's examples/fineweb.py: the rules of gopher@datatrove, C4's where "
        "lines need no end mark, and those of fineweb@datatrove, all on the same text (there, C4's lines are dropped "
        "before the last are measured, in recipes/fineweb.yaml before all); URLs and languages are filtered by the "
        "preset urls and a rule over `language.score`"
    ),
    languages=ENGLISH,
    rules=(*GOPHER_DATATROVE.rules, *_c4("c4@fineweb", 5), *FINEWEB_DATATROVE.rules),
)

REFINEDWEB = Preset(
    definition=(
        "Penedo et al. 2023 (RefinedWeb), appendix G: the rules of gopher, and at most 5 % of the words in lines that "
        "its line-wise filtering drops"
    ),
    languages=ENGLISH,
    rules=(*GOPHER.rules, Rule(signal="refinedweb.flagged_words", max=0.05)),
)

ZH = Preset(
    definition=(
        "corpuskit's own thresholds for Chinese prose, not published elsewhere; those of n-grams are above Gopher's, "
        "since each ideograph is a word: repetition drops 10 of 2,921 modern translations of classical books, and of "
        "3,317 hotel reviews 3, which hold themselves twice"
    ),
    languages=CHINESE,
    rules=(
        Rule(signal="length.characters", min=100),
        Rule(signal="composition.cjk_ratio", min=0.5),
        Rule(signal="composition.punctuation_ratio", min=0.02, max=0.3),
        Rule(signal="composition.unique_words", min=0.1),
        *_at_most(
            "repetition",
            duplicate_paragraphs=0.30,
            duplicate_paragraph_characters=0.20,
            duplicate_lines=0.30,
            duplicate_line_characters=0.20,
            top_2_gram=0.25,
            top_3_gram=0.25,
            top_4_gram=0.25,
            duplicate_5_grams=0.40,
            duplicate_10_grams=0.30,
        ),
    ),
)

URLS = Preset(
    definition=(
        "Penedo et al. 2023 (RefinedWeb), appendix G.1, with datatrove's thresholds: on no block list, no hard word, "
        "at most one soft word, no strict word; the lists are those of the recipe's `urls`"
    ),
    rules=(
        Rule(signal="url.blocked", in_=("none",), missing="keep"),
        Rule(signal="url.hard_words", max=0, missing="keep"),
        Rule(signal="url.soft_words", max=1, missing="keep"),
        Rule(signal="url.strict_words", max=0, missing="keep"),
    ),
)

PRESETS: dict[str, Preset] = {
    "none": NONE,
    "raw": NONE,
    "gopher": GOPHER,
    "gopher@datatrove": GOPHER_DATATROVE,
    "c4": C4,
    "c4@datatrove": C4_DATATROVE,
    "c4@tfds": C4_TFDS,
    "fineweb": FINEWEB,
    "fineweb@datatrove": FINEWEB_DATATROVE,
    "refinedweb": REFINEDWEB,
    "zh": ZH,
    "urls": URLS,
}


def check_languages(preset: str, languages: Iterable[str], path: str = "") -> None:
    """Refuse a preset for languages that it is not meant for; `gopher` would drop every Chinese document.

    Args:
        preset: A name in `PRESETS`.
        languages: What the recipe declares, as codes such as `en`, `en-GB`, `eng_Latn`; none declared: nothing refused.
        path: The preset's place in the recipe, for the message.

    Raises:
        RecipeError: a declared language is not one of the preset's.
    """
    meant = PRESETS[preset].languages
    others = [language for language in languages if meant and _primary(language) not in meant]
    if others:
        raise RecipeError(
            path,
            f"preset {preset!r} is meant for {', '.join(meant)}, but the recipe declares {', '.join(others)}; "
            "choose another preset or write rules of your own",
        )


def _primary(language: str) -> str:
    return language.replace("_", "-").split("-")[0].lower()
