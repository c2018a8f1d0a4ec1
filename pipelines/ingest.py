"""Raw inputs to documents: one item per piece of the inputs."""

from functools import partial

from corpuskit import extract, manifest
from corpuskit.documents import (
    HeldoutConfig,
    Piece,
    SourceConfig,
    check_errors,
    identify,
    ingest_piece,
    plan,
    read_errors,
    require_documents,
)
from corpuskit.errors import InputError
from corpuskit.extract import ExtractConfig
from corpuskit.manifest import Identity, Manifest, Marker, Target
from corpuskit.recipe import Recipe
from pipelines.engine import Attempt, Item, Phase, Step
from pipelines.extraction import with_formats

REVISION = 2
LIBRARIES = ("pyarrow", "orjson", "xxhash", "zstandard")


def step(recipe: Recipe, out: str) -> Step:
    """Plan the ingestion of all sources of a recipe.

    Raises:
        InputError: a source names no file, or a file of an unknown kind.
    """
    pieces = [(source, piece) for source in recipe.sources for piece in plan(source, recipe.split_bytes)]
    target = Target.place("documents", "documents", out, _identity(recipe, pieces))
    work = partial(
        run,
        heldout=recipe.heldout,
        split_bytes=recipe.split_bytes,
        extraction=recipe.extract,
        share=recipe.sample,
    )
    return Step(
        **vars(target),
        phases=(Phase(name="ingest", items=tuple(_items(pieces)), work=work, bisects=True),),
        finish=partial(_finish, max_error_rate=recipe.max_error_rate),
    )


def _items(pieces: list[tuple[SourceConfig, Piece]]) -> list[Item]:
    return [
        Item(name=f"{index:07d}", payload={"source": source, "piece": piece, "index": index}, size=piece.size)
        for index, (source, piece) in enumerate(pieces)
    ]


def _identity(recipe: Recipe, pieces: list[tuple[SourceConfig, Piece]]) -> Identity:
    """Raw files count by relative path, size and tag; linked ones by absolute path too, which the parts hold."""
    own = {source.name: [piece for of, piece in pieces if of.name == source.name] for source in recipe.sources}
    inputs = {name: identify(some) for name, some in own.items()}
    links = [file.path for source, piece in pieces if source.link and piece.format == "parquet" for file in piece.files]
    if links:
        inputs["links"] = [[path] for path in dict.fromkeys(links)]
    config = {
        "sources": [source.identity() for source in recipe.sources],
        "split_bytes": recipe.split_bytes,
        "heldout": recipe.heldout.plain(),
        "sample": recipe.sample,
    }
    libraries = manifest.library_versions(LIBRARIES)
    identity = Identity(step="ingest", revision=REVISION, config=config, inputs=inputs, libraries=libraries)
    return with_formats(identity, [piece for _, piece in pieces], recipe.extract)


def run(
    attempt: Attempt, *, heldout: HeldoutConfig, split_bytes: int, extraction: ExtractConfig, share: float = 1.0
) -> Marker:
    """Read one piece, extract the text of web pages, and commit document parts and malformed records."""
    payload = attempt.item.payload
    result = ingest_piece(
        payload["piece"],
        payload["source"],
        heldout,
        attempt.folder,
        split_bytes,
        index=payload["index"],
        poison=attempt.poison,
        only=attempt.only,
        convert=partial(extract.extract_records, config=extraction),
        share=share,
    )
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, **result)


def _finish(step: Step, markers: dict[str, list[Marker]], max_error_rate: float) -> Manifest:
    merged = manifest.merge(markers["ingest"])
    examples = read_errors(step.folder, merged["files"], limit=3)
    read = int(merged["counts"].get("population", merged["rows"]))
    check_errors(read, merged["errors"], max_error_rate, examples)
    require_documents(read, step.identity.inputs, merged["counts"])
    if not merged["rows"]:
        raise InputError(f"none of the {read:,} documents is in the sample; take a larger share of them")
    return step.manifest(markers["ingest"])
