"""Documents to signatures: what they are compared by, row-aligned, kept for the corpora that come later."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from corpuskit import manifest, urls
from corpuskit.dedup import DedupConfig, Signed, sign, sign_urls, store
from corpuskit.documents import read_split
from corpuskit.kernels import Texts
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Marker, Target
from pipelines.annotate import split_items
from pipelines.engine import Attempt, Phase, Step

REVISION = 1
LIBRARIES = ("pyarrow", "numba", "xxhash")


def target(config: DedupConfig | None, documents: Target, out: str, suffix: str = "") -> Target:
    """Return where the signatures of documents go.

    Args:
        config: what is signed; None: the documents' URLs.
        documents: the documents, or a revision of them.
        out: the corpus's folder.
        suffix: tells the revision in the artifact's name, such as `@strict`.
    """
    identity = Identity(
        step="sign",
        revision=REVISION,
        config=config.signing() if config else {"urls": urls.REVISION},
        inputs={"documents": documents.fingerprint},
        libraries=manifest.library_versions([*LIBRARIES, *(() if config else urls.LIBRARIES)])
        | {"unicode": UNICODE_VERSION},
    )
    return Target.place("signatures", f"signatures{suffix}" if config else "signatures+urls", out, identity)


def step(place: Target, config: DedupConfig | None, documents_folder: str) -> Step:
    """Plan the signing of each split; texts are read once and a batch at a time."""
    items = split_items(manifest.read(documents_folder, "documents"))
    work = partial(run, config=config, documents_folder=documents_folder)
    return Step(**vars(place), phases=(Phase(name="sign", items=items, work=work),))


def run(attempt: Attempt, *, config: DedupConfig | None, documents_folder: str) -> Marker:
    """Sign one split."""
    part = attempt.item.payload["part"]
    columns = ["key", "heldout", "text" if config else "url"]
    batches = _signed(read_split(documents_folder, part["name"], columns), config)
    schema = store.schema(config.places if config else 0, bool(config and config.normalized))
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=part["rows"],
        keys=part["keys"],
        files=store.write(attempt.folder, part["name"], batches, schema),
        parts=[{name: part[name] for name in ("name", "rows", "keys")}],
    )


def _signed(batches: Iterator[pa.RecordBatch], config: DedupConfig | None) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, len(batch), store.BLOCK_ROWS):
            rows = batch.slice(start, store.BLOCK_ROWS)
            yield store.batch(rows.column(0), rows.column(1), _sign(rows.column(2), config))


def _sign(column: pa.Array, config: DedupConfig | None) -> Signed:
    return sign(Texts.from_arrow(column), config) if config else sign_urls(column)
