"""The texts of a recipe: the documents as read or cleaned, and what is measured on each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson
import xxhash

from corpuskit import clean
from corpuskit.clean import AnyStep
from corpuskit.manifest import Target
from corpuskit.recipe import Recipe, groups_of
from corpuskit.signals import SIGNALS, known_signals

if TYPE_CHECKING:
    from pipelines.clean import Places
    from pipelines.engine import Step


@dataclass(frozen=True, kw_only=True)
class Text:
    """One text of the documents, shared by the variants that ask for the same cleaners."""

    name: str
    """Empty for the text that variants without cleaners of their own share; others are named after their cleaners."""
    raw: Target
    """The documents as they were read."""
    documents: Target
    """What later steps read: the documents, or a revision of them."""
    variants: tuple[str, ...]
    counts: tuple[Target, ...] = ()
    """The counts of all cleaners that made it."""
    places: "Places | None" = None
    """Where its own cleaning goes; None for the documents as they were read."""
    base: Target | None = None
    """What its own cleaners clean."""
    steps: tuple[AnyStep, ...] = ()

    @property
    def suffix(self) -> str:
        """What the names of its artifacts end with."""
        return f"@{self.name}" if self.name else ""

    def cleaning(self) -> "Step | None":
        """Plan its own cleaning, once its base is there; None for the documents as they were read."""
        from pipelines.clean import step

        if self.places is None or self.base is None:
            return None
        return step(self.places, self.steps, self.base.folder)


def texts(recipe: Recipe, documents: Target, out: str) -> tuple[Text, ...]:
    """Return the texts of a recipe: the shared one first, then those of variants with cleaners of their own."""
    own_steps = {name: recipe.cleaners(variant) for name, variant in recipe.variants.items()}
    plain = tuple(name for name, steps in own_steps.items() if not steps)
    shared = Text(name="", raw=documents, documents=documents, variants=plain)
    if recipe.clean:
        shared = _cleaned(shared, "", recipe.clean, plain, out)
    own: dict[str, Text] = {}
    for variant, steps in own_steps.items():
        if steps:
            name = _name(steps)
            text = own.get(name) or _cleaned(shared, name, steps, (), out)
            own[name] = replace(text, variants=(*text.variants, variant))
    return (shared, *own.values())


def _name(steps: tuple[AnyStep, ...]) -> str:
    """Return a name for the text that some cleaners make; its `-` keeps it apart from the names that users give."""
    digest = xxhash.xxh3_64_hexdigest(orjson.dumps(clean.identity(steps)))
    return f"{'+'.join(step.step for step in steps)}-{digest[:4]}"


def _cleaned(base: Text, name: str, steps: tuple[AnyStep, ...], variants: tuple[str, ...], out: str) -> Text:
    from pipelines.clean import SHARED
    from pipelines.clean import places as places_of

    places = places_of(name or SHARED, steps, base.documents, out)
    return Text(
        name=name,
        raw=base.raw,
        documents=places.revision,
        variants=variants,
        counts=(*base.counts, places.counts),
        places=places,
        base=base.documents,
        steps=steps,
    )


def signals(recipe: Recipe, text: Text, shared: Mapping[str, Target], out: str) -> dict[str, Target]:
    """Return the signal groups to measure on a text, by group; those of URLs are measured once, for all texts.

    Args:
        recipe: the recipe.
        text: the text.
        shared: the groups of the shared text; empty while they are planned.
        out: the corpus's folder.
    """
    from pipelines import annotate

    read = {signal for variant in text.variants for signal in recipe.read_of(variant)}
    groups = groups_of(read) if text.name else recipe.signal_groups
    found = {}
    for group in groups:
        reads_url = SIGNALS[group].reads == "url"
        measured = text.raw if reads_url else text.documents  # cleaners change no URL
        config = recipe.signal_configs.get(group)
        own = annotate.target(group, measured.fingerprint, out, config, "" if reads_url else text.suffix)
        found[group] = shared.get(group, own) if reads_url else own
    return found


def places_by_signal(recipe: Recipe, text: Text, groups: Mapping[str, Target]) -> dict[str, Target]:
    """Return where each signal of a text lies, by `group.name`: those of groups, and the counts of cleaners.

    A count that cleaners of the recipe and of the variant both leave is the variant's.
    """
    known = known_signals(recipe.signal_configs)
    found = {name: groups[name.split(".")[0]] for name in known if name.split(".")[0] in groups}
    for place in text.counts:
        found |= dict.fromkeys(place.identity.config["counts"], place)
    return found
