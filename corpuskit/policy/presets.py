"""Ready-made rules, each with its source and the languages it is meant for."""

from collections.abc import Iterable
from dataclasses import dataclass

from corpuskit.errors import RecipeError
from corpuskit.policy.rule import Rule


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A named list of rules."""

    definition: str
    """Whose numbers these are."""
    languages: tuple[str, ...] = ()
    """The languages it is meant for (ISO 639-1 and 639-3 codes); empty: any."""
    rules: tuple[Rule, ...] = ()
    """The rules, in the order in which they are tried."""


NONE = Preset(definition="keeps every document")

GOPHER = Preset(
    definition="Rae et al. 2021 (Gopher), appendix A, quality filtering; words are split at white space",
    languages=("en", "eng"),
    rules=(
        Rule(signal="gopher.words", min=50, max=100_000),
        Rule(signal="gopher.mean_word_length", min=3, max=10),
        Rule(signal="gopher.hash_ratio", max=0.1),
        Rule(signal="gopher.ellipsis_ratio", max=0.1),
        Rule(signal="gopher.bullet_lines", max=0.9),
        Rule(signal="gopher.ellipsis_lines", max=0.3),
        Rule(signal="gopher.alpha_words", min=0.8),
        Rule(signal="gopher.stop_words", min=2),
    ),
)

ZH = Preset(
    definition="corpuskit's own thresholds for Chinese prose, not published elsewhere",
    languages=("zh", "zho", "cmn"),
    rules=(
        Rule(signal="length.characters", min=100),
        Rule(signal="composition.cjk_ratio", min=0.5),
        Rule(signal="composition.punctuation_ratio", min=0.02, max=0.3),
        Rule(signal="composition.unique_words", min=0.1),
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

PRESETS: dict[str, Preset] = {"none": NONE, "raw": NONE, "gopher": GOPHER, "zh": ZH, "urls": URLS}


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
