"""English minimal pairs: agreement in number, and word order.

The words are common in documentation and plain everywhere else. Agreement pairs come in twos that mirror each other
(`The value is` / `are`, `The values are` / `is`), so a model that only prefers one form, or the shorter sentence, gets
exactly half of them right. Order pairs hold the same words, hence the same characters.
"""

from functools import partial

from corpuskit.tasks.template import Template, mirrored, template

SINGULARS = (
    "argument class column element error event file function image key label line list message method model module",
    "name number object option page parameter path point record result row server string table test type user value",
)
NOUNS = tuple((noun, noun + ("es" if noun.endswith("s") else "s")) for line in SINGULARS for noun in line.split())
"""(singular, plural)."""
ADJECTIVES = ("new", "old", "first", "last", "next", "other", "main", "small", "default", "empty")
PREPOSITIONS = ("of", "in", "for", "from", "near", "with")
VERBS = (
    ("is not used", "are not used"),
    ("is empty", "are empty"),
    ("is required", "are required"),
    ("was found", "were found"),
    ("was removed", "were removed"),
    ("has changed", "have changed"),
    ("has been added", "have been added"),
    ("does not exist", "do not exist"),
)
"""(after a singular subject, after a plural one)."""
PASSIVES = ("was found", "was removed", "was created", "was changed", "is required", "is ignored", "is tested")
DETERMINERS = (("this", "these"), ("that", "those"))
DETERMINER_FRAMES = (
    "We can use {} here.",
    "You should not change {} yet.",
    "It depends on {} only.",
    "The user needs {} again.",
    "The result is stored in {} first.",
    "There is an error in {} now.",
    "They work with {} every day.",
    "Please remove {} before you start.",
)

Pairs = tuple[tuple[str, str], ...]
Forms = tuple[str, str]
"""(singular, plural)."""


@template(ADJECTIVES, NOUNS, VERBS)
def subject_verb(adjective: str, noun: Forms, verb: Forms) -> Pairs:
    """`The new file is empty.` against `The new file are empty.`; `The new files are …` against `… is`."""
    one, many = (tuple(f"The {adjective} {form} {predicate}." for predicate in verb) for form in noun)
    return mirrored(((one[0], one[1]), (many[0], many[1])))


@template(NOUNS, PREPOSITIONS, NOUNS, VERBS)
def subject_verb_attractor(noun: Forms, preposition: str, other: Forms, verb: Forms) -> Pairs:
    """As `subject_verb`, with a noun of the other number between: `The key of the tables is empty.`."""
    if noun == other:
        return ()
    phrases = f"The {noun[0]} {preposition} the {other[1]}", f"The {noun[1]} {preposition} the {other[0]}"
    one, many = (tuple(f"{phrase} {predicate}." for predicate in verb) for phrase in phrases)
    return mirrored(((one[0], one[1]), (many[0], many[1])))


@template(DETERMINER_FRAMES, DETERMINERS, NOUNS)
def determiner_noun(frame: str, determiner: Forms, noun: Forms) -> Pairs:
    """`We can use this file here.` against `We can use these file here.`; `these files` against `this files`."""
    one, many = (tuple(frame.format(f"{word} {form}") for word in determiner) for form in noun)
    return mirrored(((one[0], one[1]), (many[0], many[1])))


def _swapped(position: int, adjective: str, noun: Forms, preposition: str, other: Forms, verb: str) -> Pairs:
    """Swap words `position` and `position + 1` of The 0 adjective 1 noun 2 preposition 3 the 4 noun 5 verb 6 7."""
    if noun == other:
        return ()
    good = ["The", adjective, noun[0], preposition, "the", other[0], *verb.split()]
    bad = [*good[:position], good[position + 1], good[position], *good[position + 2 :]]
    return ((f"{' '.join(good)}.", f"{' '.join(bad)}."),)


def _order(phenomenon: str, position: int) -> Template:
    return Template(phenomenon, (ADJECTIVES, NOUNS, PREPOSITIONS, NOUNS, PASSIVES), partial(_swapped, position))


AGREEMENT = (subject_verb, subject_verb_attractor, determiner_noun)
ORDER = (
    _order("adjective_noun", 1),
    _order("noun_preposition", 2),
    _order("preposition_article", 3),
    _order("article_noun", 4),
    _order("auxiliary_participle", 6),
)
