"""The step: one entry of a variant's `cut` list, from the variant's text to a revision of it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from corpuskit import manifest, storage
from corpuskit.dedup.inside import AnyCut
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines.annotate import split_items
from pipelines.cut import confirm, find, scan, write
from pipelines.cut.scan import Inputs
from pipelines.engine import Item, Phase, Step

REVISION = 1
MEMORY = 10**9
"""Bytes a worker may use, unless the caller says otherwise."""
WINDOW_BYTES = 3, 16
"""Bytes of text for each window, at least: of substrings, one begins at each word or ideograph; of other units."""
FIND_BYTES = 32
"""Bytes that finding copies takes for each window: about 8 of its own, more where most windows are repeated (`firsts`),
and 24 to 32 of files that are mapped, which the system takes back where it needs them."""


def target(number: int, variant: Target, config: AnyCut, base: Target, out: str) -> Target:
    """Return where the revision goes.

    Args:
        number: the place of the step in the variant's list, from 1.
        variant: the variant; what it keeps for training is cut.
        config: the step.
        base: the variant's text, or the revision of it that the step before makes.
        out: the corpus's folder.
    """
    identity = Identity(
        step="cut",
        revision=REVISION,
        config=config.plain(),
        inputs={"documents": base.fingerprint, "variant": variant.fingerprint},
        libraries=manifest.library_versions(["pyarrow", "numba"]) | {"unicode": UNICODE_VERSION},
    )
    return Target.place("documents", f"cut{number}@{variant.name}", storage.join(out, "revisions"), identity)


def step(
    place: Target, config: AnyCut, base: str, variant: str, memory: int = MEMORY, partitions: int | None = None
) -> Step:
    """Plan one entry of a `cut` list; neither memory nor partitions change what is cut.

    Args:
        place: where the revision goes.
        config: the entry.
        base: folder of the variant's text, or of the revision of it that the entry before made.
        variant: folder of the variant.
        memory: bytes a worker may use.
        partitions: parts of the shuffle; by default as many as `memory` asks for.
    """
    items = split_items(manifest.read(base, "documents"))
    splits = tuple(item.name for item in items)
    count = partitions or _partitions(config, variant, memory)
    parts = tuple(Item(name=f"{index:05d}-of-{count:05d}", payload={"partition": index}) for index in range(count))
    inputs = Inputs(config=config, base=base, variant=variant, memory=memory, partitions=count)
    named = {"splits": splits, "partitions": tuple(item.name for item in parts), "inputs": inputs}
    asking = (
        Phase(name=f"merge-{count}", items=items, work=partial(confirm.merge, **named)),
        Phase(name=f"answer-{count}", items=items, work=partial(confirm.answer, splits=splits, inputs=inputs)),
    )
    return Step(
        **vars(place),
        phases=(
            Phase(name=f"scan-{count}", items=items, work=partial(scan.scan, inputs=inputs)),
            Phase(name=f"find-{count}", items=parts, work=partial(find.find, splits=splits, inputs=inputs)),
            *(asking if config.step == "repeated_substrings" else ()),
            Phase(name="write", items=items, work=partial(write.write, **named)),
        ),
        scratch=("work",),
        finish=_finish,
    )


def _partitions(config: AnyCut, variant: str, memory: int) -> int:
    """Return the parts of the shuffle so that one of them is found in `memory`."""
    size = manifest.read(variant, "variant").counts["kept_bytes"]
    windows = size / WINDOW_BYTES[config.step != "repeated_substrings"]
    return max(1, math.ceil(windows * FIND_BYTES / memory))


def _finish(step: Step, markers: Mapping[str, list[Marker]]) -> Manifest:
    found = next(found for phase, found in markers.items() if phase.startswith("scan-"))
    made = step.manifest(markers["write"], extra={"config": step.identity.config})
    return replace(made, counts={**manifest.merge(found)["counts"], **made.counts})
