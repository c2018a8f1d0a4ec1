"""Tokenizers by themselves: trained on files, evaluated side by side, converted and checked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import documents, manifest, storage, tokenization
from corpuskit.documents import SourceConfig
from corpuskit.errors import ArtifactError, InputError, TooManyErrors
from corpuskit.extract import ExtractConfig, extract_records
from corpuskit.tokenization import Tokenizer, TokenizerConfig
from corpuskit.tokenization.formats.convert import Format, check, convert
from corpuskit.workflow.places import check_own_folder, tokenizer_path

if TYPE_CHECKING:
    from corpuskit.tokenization import CountsConfig
    from corpuskit.tokenization.evaluation import Evaluation
    from pipelines.engine import Engine, Step

SPLIT_BYTES = 256 << 20
COUNTS = "counts"
"""Where the words of a tokenizer that was trained on files are counted, in its folder."""
CHECKED_BYTES = 2_000_000
"""Text that a converted tokenizer is checked on."""
FILES: dict[Format, str] = {
    "tokenizer.json": "tokenizer.json",
    "sentencepiece": "tokenizer.model",
    "tiktoken": "ranks.tiktoken",
}


def count(
    engine: "Engine", source: SourceConfig, config: "CountsConfig", out: str, share: float, max_error_rate: float
) -> dict[str, Any]:
    """Count the words of files into a folder; return what was counted.

    Raises:
        CorpuskitError: the input cannot be read, or the folder holds something else.
    """
    step = _counting(source, config, out, share, max_error_rate)
    check_own_folder(step.target, "counts")
    made = engine.run(step)
    return {"documents": made.rows, "errors": made.errors, **made.counts}


def _counting(source: SourceConfig, config: "CountsConfig", out: str, share: float, max_error_rate: float) -> "Step":
    from pipelines import counting

    return counting.of_files(source, config, out, split_bytes=SPLIT_BYTES, max_error_rate=max_error_rate, share=share)


def train_on_files(
    engine: "Engine",
    configs: Mapping[str, TokenizerConfig],
    source: SourceConfig,
    out: str,
    share: float,
    max_error_rate: float,
) -> list[str]:
    """Count the words of files into `out`, train tokenizers on them; return what a user should know.

    Args:
        engine: runs the steps.
        configs: what is trained into each folder; one or more, which differ in what is no matter of counting.
        source: the files.
        out: gets the counts, in a folder of their own.
        share: of the documents that are counted.
        max_error_rate: share of malformed records above which counting stops.

    Raises:
        CorpuskitError: the input cannot be read, or a folder holds something else; nothing is written then.
    """
    from pipelines import train_tokenizer

    words = next(iter(configs.values())).counting
    step = _counting(source, words, storage.join(out, COUNTS), share, max_error_rate)
    check_own_folder(step.target, "counts")
    for folder, config in configs.items():
        check_own_folder(train_tokenizer.target_in(folder, config, [step.target.fingerprint]), "a tokenizer")
    if out not in configs:
        _check_free(out)
    engine.run(step)
    return train(engine, configs, [step.target.folder])


def _check_free(out: str) -> None:
    """Make sure that a folder of artifacts is no artifact itself."""
    found = manifest.find(out)
    if found:
        raise ArtifactError(
            f"{out} is an artifact of kind {found.kind!r}, no folder of tokenizers; choose another --out"
        )


def train(engine: "Engine", configs: Mapping[str, TokenizerConfig], counts: Sequence[str]) -> list[str]:
    """Train tokenizers on folders of counts; return what a user should know.

    Args:
        engine: runs the steps.
        configs: what is trained into each folder.
        counts: folders of counts, which are added up.

    Raises:
        CorpuskitError: the counts have other words than the tokenizers', or are damaged; or a folder holds something
            else.
    """
    from pipelines import train_tokenizer

    steps = []
    for folder, config in configs.items():
        _check_counted(config, counts)
        steps.append(train_tokenizer.of_counts(config, counts, folder))
        check_own_folder(steps[-1].target, "a tokenizer")
    notes: dict[str, None] = {}
    for step in steps:
        engine.run(step)
        notes.update(dict.fromkeys(train_tokenizer.notes(step.target.folder)))
    return list(notes)


def _check_counted(config: TokenizerConfig, folders: Sequence[str]) -> None:
    asked = {name: getattr(config.counting, name) for name in ("pretokenizer", "normalization", "groups")}
    for folder in folders:
        found = manifest.read(folder, "counts").extra["counting"]
        other = [name for name, value in asked.items() if found[name] != value]
        if other:
            given = ", ".join(f"{name} {found[name]!r} and not {asked[name]!r}" for name in other)
            raise InputError(f"{folder} was counted with {given}: count again, or train with the same")


def texts_of(source: SourceConfig, max_bytes: int) -> pa.Array:
    """Return the texts of files, from the first on, until they fill `max_bytes`; large_string[n].

    Raises:
        InputError: there is no text, or a record is malformed.
    """
    found: list[pa.Array] = [pa.array([], pa.large_string())]
    size = 0
    for batch in _batches(source):
        found.append(batch.column("text").cast(pa.large_string()))
        size += int(pc.sum(pc.binary_length(found[-1])).as_py() or 0)
        if size >= max_bytes:
            break
    if not size:
        raise InputError(f"{', '.join(source.paths)}: there is no text")
    return pa.concat_arrays(found)


def _batches(source: SourceConfig) -> Iterator[pa.RecordBatch]:
    for piece in documents.plan(source, SPLIT_BYTES):
        for batch, bad, _ in extract_records(documents.read(piece, source), ExtractConfig()):
            if bad:
                raise TooManyErrors(f"{bad[0].file}: {bad[0].message}")
            yield batch


def documentation(max_bytes: int) -> pa.Array:
    """Return texts that are there without any download: the documentation of this Python; large_string[n]."""
    return texts_of(SourceConfig(name="pydocs", format="pydocs", max_bytes=max_bytes), max_bytes)


def evaluate(
    tokenizers: Mapping[str, str],
    texts: Mapping[str, SourceConfig],
    *,
    parallel: Iterable[str] = (),
    gold: Iterable[str] = (),
    reference: str | None = None,
    max_bytes: int,
    pretokenizer: str | None = None,
) -> "Evaluation":
    """Measure tokenizers on the same texts.

    Args:
        tokenizers: folder or file of each, by the name it is shown under.
        texts: files by name; the documentation of this Python where there are none.
        parallel: parallel sentences.
        gold: segmented words.
        reference: the language that premiums refer to.
        max_bytes: read of each text.
        pretokenizer: what a word is, for ranks of tiktoken.

    Raises:
        CorpuskitError: a file is not what it should be.
    """
    from corpuskit.tokenization.evaluation import evaluate, load_gold, load_parallel

    loaded = {name: tokenization.load(tokenizer_path(path), pretokenizer) for name, path in tokenizers.items()}
    sentences, segmented = [load_parallel(path) for path in parallel], [load_gold(path) for path in gold]
    columns = {name: texts_of(source, max_bytes) for name, source in texts.items()}
    return evaluate(
        loaded,
        columns or {"Python's documentation": documentation(max_bytes)},
        parallel=sentences,
        gold=segmented,
        reference=reference,
    )


def converted(tokenizer: Tokenizer, target: Format, path: str, texts: pa.Array | None) -> int:
    """Write a tokenizer in another format, once it is known to give the same ids; return how many were compared.

    Args:
        tokenizer: the tokenizer.
        target: the format.
        path: the file, or a folder that gets one.
        texts: what is encoded with both, line by line; None: nothing is compared.

    Raises:
        InputError: the format cannot express the tokenizer, or a line gets other ids.
    """
    data = convert(tokenizer, target)
    compared = 0 if texts is None else check(tokenizer, data, target, lines_of(texts))
    storage.commit(_file(path, target), data)
    return compared


def lines_of(texts: pa.Array) -> pa.Array:
    """Return the lines of texts: SentencePiece adds up scores as float32, which get coarse over a long text."""
    lines = pc.split_pattern(texts, "\n").flatten()
    return lines.filter(pc.greater(pc.binary_length(lines), 0))


def _file(path: str, target: Format) -> str:
    folder = path.endswith("/") or (not storage.is_remote(path) and storage.local(path).is_dir())
    return storage.join(path, FILES[target]) if folder else path
