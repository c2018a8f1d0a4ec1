"""The data steps of a recipe as a chain of artifacts: where each goes, before anything has run."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from corpuskit import manifest
from corpuskit.dedup import reference
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.inside import TextReference, find_texts
from corpuskit.dedup.reference import Reference
from corpuskit.manifest import Target
from corpuskit.recipe import Recipe
from corpuskit.workflow.texts import Text, places_by_signal, signals, texts

if TYPE_CHECKING:
    from pipelines.engine import Step
    from pipelines.select import Inputs

MEMORY = 1 << 30
"""Bytes that a worker may use for what is shuffled where nothing is said."""
COMPACT_BELOW = 0.5
"""Share of the rows under which a variant gets shards of its own (`materialize: auto`)."""


@dataclass(frozen=True)
class Chain:
    """A recipe and an output folder: every artifact's place follows, before anything has run."""

    recipe: Recipe
    out: str
    memory: int = MEMORY
    """Bytes that each worker may use for what is shuffled; changes no result."""

    @cached_property
    def ingest(self) -> "Step":
        """The first step; planning it lists the inputs."""
        from pipelines import ingest

        return ingest.step(self.recipe, self.out)

    @property
    def documents(self) -> Target:
        """The documents."""
        return self.ingest.target

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """The texts of the documents: the one that variants share, and those of variants with cleaners of their own."""
        return texts(self.recipe, self.documents, self.out)

    def text_of(self, variant: str) -> Text:
        """Return the text of a variant."""
        return next(text for text in self.texts if variant in text.variants)

    @cached_property
    def signals(self) -> dict[str, Target]:
        """The signal groups of the shared text."""
        return signals(self.recipe, self.texts[0], {}, self.out)

    @cached_property
    def signals_by_text(self) -> dict[str, dict[str, Target]]:
        """The signal groups of each text, by its name."""
        own = {text.name: signals(self.recipe, text, self.signals, self.out) for text in self.texts[1:]}
        return {"": self.signals, **own}

    @cached_property
    def signatures(self) -> dict[str, Target]:
        """What documents are compared by, by the text's name, where the recipe asks for duplicates of texts."""
        from pipelines import signatures

        config = self.recipe.dedup
        if config is None or not config.texts:
            return {}
        return {text.name: signatures.target(config, text.documents, self.out, text.suffix) for text in self.texts}

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The other corpora that documents are compared with."""
        config = self.recipe.dedup
        if config is None or not config.against:
            return ()
        own = self.signatures[""].identity
        return tuple(reference.find(name, folder, own) for name, folder in config.against.items())

    @cached_property
    def duplicates(self) -> dict[str, Target]:
        """The clusters of equal and similar texts by the text's name, where the recipe asks for them."""
        from pipelines import dedup

        return {
            text.name: dedup.target(
                self.recipe.dedup, self.signatures[text.name], self.out, text.suffix, self.references
            )
            for text in self.texts
            if text.name in self.signatures
        }

    @cached_property
    def url_signatures(self) -> Target | None:
        """The hashes of the documents' URLs, where the recipe asks for documents with the same URL."""
        from pipelines import signatures

        asked = self.recipe.dedup and self.recipe.dedup.urls
        return signatures.target(None, self.documents, self.out) if asked else None

    @cached_property
    def urls(self) -> Target | None:
        """The clusters of documents with the same URL, where the recipe asks for them."""
        from pipelines import dedup

        return dedup.url_target(self.url_signatures, self.out) if self.url_signatures else None

    def selection_inputs(self, variant: str) -> "Inputs":
        """Return what a variant is chosen from."""
        from pipelines.select import Inputs

        text = self.text_of(variant)
        return Inputs(
            documents=text.documents,
            signals=places_by_signal(self.recipe, text, self.signals_by_text[text.name]),
            duplicates=self.duplicates.get(text.name),
            urls=self.urls,
            shared=self.duplicates.get("") if text.name else None,
            counts=text.counts,
            sources=tuple(source.name for source in self.recipe.sources),
        )

    @cached_property
    def variants(self) -> dict[str, Target]:
        """The data variants."""
        from pipelines import select

        configs = self.recipe.judged_variants.items()
        return {name: select.target(name, config, self.selection_inputs(name), self.out) for name, config in configs}

    @cached_property
    def cuts(self) -> dict[str, tuple[Target, ...]]:
        """The revisions that the `cut` steps of variants make, one on top of the other, by variant; none for most."""
        from pipelines import cut

        found = {}
        for name, config in self.recipe.variants.items():
            made: tuple[Target, ...] = ()
            for number, one in enumerate(config.cut, 1):
                base = made[-1] if made else self.text_of(name).documents
                references = self.text_references(one.against)
                made += (cut.target(number, self.variants[name], one, base, self.out, references),)
            found[name] = made
        return found

    def text_references(self, names: Sequence[str]) -> tuple[TextReference, ...]:
        """Return the other corpora that a `cut` step names, whose texts are read; held-out documents are none."""
        folders = self.recipe.dedup.against if self.recipe.dedup else {}
        own = self.texts[0].documents.fingerprint
        return tuple(find_texts(name, folders[name], own) for name in names if name != HELDOUT)

    def kept_text(self, variant: str) -> Target:
        """Return the text that a variant's tokenizers and shards are made of: its own, after its `cut` steps."""
        return self.cuts[variant][-1] if self.cuts[variant] else self.text_of(variant).documents

    @cached_property
    def counts(self) -> dict[str, Target]:
        """The counted words by tokenizer; tokenizers with the same words and variant share them."""
        from pipelines import counting

        found: dict[str, Target] = {}
        for name, config in self.recipe.tokenizers.items():
            variant = self.trained_on(name)
            inputs = self.kept_text(variant), self.variants[variant], self.out
            place = counting.target(name, config.counting, *inputs)
            same = (other for other in found.values() if other.fingerprint == place.fingerprint)
            found[name] = next(same, place)
        return found

    @cached_property
    def tokenizers(self) -> dict[str, Target]:
        """The tokenizers."""
        from pipelines import train_tokenizer

        configs = self.recipe.tokenizers.items()
        return {name: train_tokenizer.target(name, config, self.counts[name], self.out) for name, config in configs}

    def trained_on(self, tokenizer: str) -> str:
        """Return the variant whose training rows a tokenizer sees: the first of the recipe where it names none."""
        return self.recipe.tokenizers[tokenizer].train_on or next(iter(self.variants))

    @property
    def targets(self) -> list[Target]:
        """All artifacts whose place is known before the variants are chosen, in the order of their making."""
        cleaned = [place for text in self.texts if text.places for place in vars(text.places).values()]
        measured = {place.folder: place for groups in self.signals_by_text.values() for place in groups.values()}
        urls = [self.url_signatures, self.urls] if self.url_signatures and self.urls else []
        searched = [*self.signatures.values(), *self.duplicates.values(), *urls]
        cuts = [place for places in self.cuts.values() for place in places]
        counts = {place.folder: place for place in self.counts.values()}.values()
        later = [*searched, *self.variants.values(), *cuts, *counts, *self.tokenizers.values()]
        return [self.documents, *cleaned, *measured.values(), *later]

    def shard_sets(self, tokenizer: str) -> dict[str, tuple[str, ...]]:
        """Return the shard sets of a tokenizer: name -> variants that read it. Needs the finished variants."""
        own = [name for name in self.recipe.variants if self.cuts[name] or self._is_compact(name)]
        rest = {text.suffix: tuple(name for name in text.variants if name not in own) for text in self.texts}
        sets = {f"{tokenizer}{suffix}": variants for suffix, variants in rest.items() if variants}
        return sets | {f"{tokenizer}@{name}": (name,) for name in own}

    def _is_compact(self, variant: str) -> bool:
        if self.recipe.materialize != "auto":
            return self.recipe.materialize == "always"
        found = manifest.read(self.variants[variant].folder, "variant")
        return found.counts["kept"] < COMPACT_BELOW * found.rows

    @cached_property
    def shards(self) -> dict[tuple[str, str], Target]:
        """The shards that each (tokenizer, variant) reads. Needs the finished variants."""
        places: dict[tuple[str, str], Target] = {}
        for tokenizer in self.tokenizers:
            for name, variants in self.shard_sets(tokenizer).items():
                place = self.shards_of(name, tokenizer, variants)
                places |= {(tokenizer, variant): place for variant in variants}
        return places

    def shards_of(self, name: str, tokenizer: str, variants: Sequence[str]) -> Target:
        """Return where one shard set of a tokenizer goes, which some variants read."""
        from pipelines import encode

        chosen = [self.variants[variant] for variant in variants]
        return encode.target(name, self.kept_text(variants[0]), self.tokenizers[tokenizer], chosen, self.out)
