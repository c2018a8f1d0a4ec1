"""The texts of a recipe: the documents as read or cleaned, and what is measured on each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corpuskit.clean import CleanerConfig
from corpuskit.manifest import Target
from corpuskit.recipe import Recipe, groups_of, needed
from corpuskit.signals import SIGNALS

if TYPE_CHECKING:
    from pipelines.clean import Places
    from pipelines.engine import Step


@dataclass(frozen=True, kw_only=True)
class Text:
    """One text of the documents, shared by the variants that ask for the same cleaners."""

    name: str
    """Empty for the text that variants without cleaners of their own share."""
    documents: Target
    """What later steps read: the documents, or a revision of them."""
    variants: tuple[str, ...]
    counts: tuple[Target, ...] = ()
    """The counts of all cleaners that made it."""
    places: "Places | None" = None
    """Where its own cleaning goes; None for the documents as they were read."""
    base: Target | None = None
    """What its own cleaners clean."""
    steps: tuple[CleanerConfig, ...] = ()

    @property
    def suffix(self) -> str:
        """What the names of its artifacts end with."""
        return f"@{self.name}" if self.name else ""

    def cleaning(self) -> "Step | None":
        """Plan its own cleaning, once its base is there; None for the documents as they were read."""
        from pipelines import clean

        if self.places is None or self.base is None:
            return None
        return clean.step(self.places, self.steps, self.base.folder, heldout=not self.name)


def texts(recipe: Recipe, documents: Target, out: str) -> tuple[Text, ...]:
    """Return the texts of a recipe: the shared one first, then those of variants with cleaners of their own."""
    plain = tuple(name for name, variant in recipe.variants.items() if not variant.clean)
    shared = Text(name="", documents=documents, variants=plain)
    if recipe.clean:
        shared = _cleaned(shared, "", recipe.clean, plain, out)
    own: dict[str, Text] = {}
    for name, variant in recipe.variants.items():
        if variant.clean:
            text = _cleaned(shared, name, variant.clean, (name,), out)
            same = own.get(text.documents.fingerprint)
            own[text.documents.fingerprint] = replace(same, variants=(*same.variants, name)) if same else text
    return (shared, *own.values())


def _cleaned(base: Text, name: str, steps: tuple[CleanerConfig, ...], variants: tuple[str, ...], out: str) -> Text:
    from pipelines import clean

    places = clean.places(name or "clean", steps, base.documents, out, heldout=not name)
    return Text(
        name=name,
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

    read = {name for variant in text.variants for name in needed(recipe.variants[variant])}
    groups = groups_of(read) if text.name else recipe.signal_groups
    return {
        group: shared[group]
        if group in shared and SIGNALS[group].reads == "url"
        else annotate.target(group, text.documents.fingerprint, out, recipe.signal_configs.get(group), text.suffix)
        for group in groups
    }


def places_by_signal(text: Text, groups: Mapping[str, Target]) -> dict[str, Target]:
    """Return where each signal of a text lies, by `group.name`: those of groups, and the counts of cleaners.

    A count that cleaners of the recipe and of the variant both leave is the variant's.
    """
    found = {f"{group}.{name}": place for group, place in groups.items() for name in SIGNALS[group].columns}
    for place in text.counts:
        found |= dict.fromkeys(place.identity.config["counts"], place)
    return found
