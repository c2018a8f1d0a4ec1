"""The step: one entry of a variant's `cut` list, from the variant's text to a revision of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from corpuskit import manifest, storage
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.inside import AnyCut, TextReference
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines.cut import confirm, find, scan, write
from pipelines.cut.splits import Inputs, splits_of
from pipelines.engine import Item, Phase, Step

REVISION = 1
AGAINST = "against."
"""What the names of inputs begin with that are other corpora."""
MEMORY = 10**9
"""Bytes a worker may use, unless the caller says otherwise."""
WINDOW_BYTES = 3, 16
"""Bytes of text for each window, at least: of substrings, one begins at each word or ideograph; of other units."""
FIND_BYTES = 32
"""Bytes that finding copies takes for each window: about 8 of its own, more where most windows are repeated (`firsts`),
and 24 to 32 of files that are mapped, which the system takes back where it needs them."""


def target(
    number: int,
    variant: Target,
    config: AnyCut,
    base: Target,
    out: str,
    references: Sequence[TextReference] = (),
) -> Target:
    """Return where the revision goes.

    Args:
        number: the place of the step in the variant's list, from 1.
        variant: the variant; what it keeps for training is cut.
        config: the step.
        base: the variant's text, or the revision of it that the step before makes.
        out: the corpus's folder.
        references: the corpora that the step names.
    """
    against = {f"{AGAINST}{reference.name}": reference.fingerprint for reference in references}
    identity = Identity(
        step="cut",
        revision=REVISION,
        config=config.plain(),
        inputs={"documents": base.fingerprint, "variant": variant.fingerprint, **against},
        libraries=manifest.library_versions(["pyarrow", "numba"]) | {"unicode": UNICODE_VERSION},
    )
    return Target.place("documents", f"cut{number}@{variant.name}", storage.join(out, "revisions"), identity)


def step(
    place: Target,
    config: AnyCut,
    base: str,
    variant: str,
    memory: int = MEMORY,
    *,
    references: Sequence[TextReference] = (),
    partitions: int | None = None,
) -> Step:
    """Plan one entry of a `cut` list; neither memory nor partitions change what is cut.

    Args:
        place: where the revision goes.
        config: the entry.
        base: folder of the variant's text, or of the revision of it that the entry before made.
        variant: folder of the variant.
        memory: bytes a worker may use.
        references: the corpora that the entry names.
        partitions: parts of the shuffle; by default as many as `memory` asks for.
    """
    splits, first = splits_of(base, config, references)
    count = partitions or _partitions(config, base, variant, references, memory)
    inputs = Inputs(config=config, splits=splits, references=first, variant=variant, memory=memory, partitions=count)
    return Step(**vars(place), phases=_phases(inputs), scratch=("work",), finish=_finish)


def _phases(inputs: Inputs) -> tuple[Phase, ...]:
    """Return the phases; those whose files depend on the number of partitions are named after it."""
    every, count = inputs.items(), inputs.partitions
    own = every[inputs.references :]
    parts = tuple(Item(name=f"{index:05d}-of-{count:05d}", payload={"partition": index}) for index in range(count))
    names = tuple(item.name for item in parts)
    asking = (
        Phase(name=f"merge-{count}", items=own, work=partial(confirm.merge, partitions=names, inputs=inputs)),
        Phase(name=f"answer-{count}", items=every, work=partial(confirm.answer, inputs=inputs)),
    )
    return (
        Phase(name=f"scan-{count}", items=every, work=partial(scan.scan, inputs=inputs)),
        Phase(name=f"find-{count}", items=parts, work=partial(find.find, inputs=inputs)),
        *(asking if inputs.confirms else ()),
        Phase(name="write", items=own, work=partial(write.write, partitions=names, inputs=inputs)),
    )


def _partitions(config: AnyCut, base: str, variant: str, references: Sequence[TextReference], memory: int) -> int:
    """Return the parts of the shuffle so that one of them is found in `memory`."""
    size = manifest.read(variant, "variant").counts["kept_bytes"]
    if HELDOUT in config.against:  # how much text is held out is not known: all is enough
        size = sum(part["text_bytes"] for part in manifest.read(base, "documents").parts)
    size += sum(part["text_bytes"] for reference in references for part in reference.parts)
    windows = size / WINDOW_BYTES[config.step != "repeated_substrings"]
    return max(1, math.ceil(windows * FIND_BYTES / memory))


def _finish(step: Step, markers: Mapping[str, list[Marker]]) -> Manifest:
    found = next(found for phase, found in markers.items() if phase.startswith("scan-"))
    made = step.manifest(markers["write"], extra={"config": step.identity.config})
    return replace(made, counts={**manifest.merge(found)["counts"], **made.counts})
