"""Programs that train tokenizers; each run has a process of its own, and the peers' import nothing of corpuskit's.

`python -P tokenizers_programs.py PROGRAM TEXTS VOCABULARY CORES` reads an Arrow file of texts, trains on it as often as
fits into `BUDGET`, and prints JSON: seconds, processor seconds, bytes resident before and at most, the version. Without
`-P` this folder's `tokenizers.py` would stand in for the library.
"""

import importlib.metadata
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

REPEATS, BUDGET = 3, 12.0
"""Most repeats; seconds after which training is not repeated."""
BATCH = 1024
"""Documents that are counted at a time."""
WARM_UP = 200
"""Characters of each of the first texts, by which kernels are loaded or compiled."""
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Train = Callable[[], Any]


def ours(kind: str, texts: pa.Array, vocabulary: int, cores: int) -> Train:
    """Count words on as many threads as there are cores, and train; compiled before, on little text."""
    from corpuskit.tokenization.training import train_bpe, train_wordpiece
    from corpuskit.tokenization.training.unigram import train_unigram

    trainers: dict[str, tuple[str, Callable[..., Any]]] = {
        "bpe": ("gpt2", train_bpe),
        "pieces": ("metaspace", lambda counts, size: train_bpe(counts, size, order="sentencepiece", coverage=0.9995)),
        "wordpiece": ("gpt2", train_wordpiece),
        "unigram": ("metaspace", train_unigram),
    }
    words, train = trainers[kind]
    little = pa.array([text[:WARM_UP] for text in texts[:BATCH].to_pylist()], pa.large_string())
    train(count(little, words, cores), 1024)
    return lambda: train(count(texts, words, cores), vocabulary)


def count(texts: pa.Array, words: str, cores: int) -> Any:
    """Return the words of texts, counted on `cores` threads."""
    from concurrent.futures import ThreadPoolExecutor

    from corpuskit.kernels.texts import Texts
    from corpuskit.tokenization.counts import count_words, merge

    batches = [Texts.from_arrow(texts.slice(start, BATCH)) for start in range(0, len(texts), BATCH)]
    with ThreadPoolExecutor(cores) as pool:
        return merge(pool.map(lambda core: count_words(batches[core::cores], words), range(cores)))


def gigatoken(kind: str, texts: pa.Array, vocabulary: int, cores: int) -> Train:
    """Give it one piece of bytes, as it wants it."""
    import gigatoken

    data = "<|endoftext|>".join(texts.to_pylist()).encode()
    return lambda: gigatoken.train_bpe(data, vocabulary, ["<|endoftext|>"])


def rustbpe(kind: str, texts: pa.Array, vocabulary: int, cores: int) -> Train:
    """Give it an iterator."""
    import rustbpe

    listed = texts.to_pylist()
    return lambda: rustbpe.Tokenizer().train_from_iterator(iter(listed), vocabulary, pattern=GPT2)


def huggingface(kind: str, texts: pa.Array, vocabulary: int, cores: int) -> Train:
    """Give `tokenizers` a list."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    listed = texts.to_pylist()
    types: dict[str, tuple[Any, Any]] = {
        "bpe": (models.BPE, trainers.BpeTrainer),
        "wordpiece": (models.WordPiece, trainers.WordPieceTrainer),
    }
    model, trainer = types[kind]
    alphabet = pre_tokenizers.ByteLevel.alphabet()

    def train() -> None:
        tokenizer = Tokenizer(model())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        options = trainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(listed, options)

    return train


def sentencepiece(kind: str, texts: pa.Array, vocabulary: int, cores: int) -> Train:
    """Give it lines, long ones too, as they are."""
    import sentencepiece

    lines = [line for text in texts.to_pylist() for line in text.split("\n") if line]
    bpe: dict[str, Any] = {"split_by_unicode_script": False, "split_by_number": False} if kind == "pieces" else {}

    def train() -> None:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=io.BytesIO(),
            model_type="bpe" if kind == "pieces" else "unigram",
            vocab_size=vocabulary,
            num_threads=cores,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            max_sentence_length=1 << 24,
            hard_vocab_limit=False,
            minloglevel=2,
            **bpe,
        )

    return train


PROGRAMS: dict[str, tuple[str, Callable[[str, pa.Array, int, int], Train]]] = {
    "corpuskit": ("corpuskit", ours),
    "gigatoken": ("gigatoken", gigatoken),
    "rustbpe": ("rustbpe", rustbpe),
    "tokenizers": ("tokenizers", huggingface),
    "sentencepiece": ("sentencepiece", sentencepiece),
}


def resident(name: str) -> int:
    """Return a figure of this process in bytes: `VmRSS`, now, or `VmHWM`, at most; 0 where the system does not say."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


def timed(train: Train) -> dict[str, float]:
    """Train a few times; return the shortest time by the clock, its processor time, and the memory."""
    before = resident("VmRSS")
    if CLEAR.exists():
        CLEAR.write_text("5")
    times: list[tuple[float, float]] = []
    while len(times) < REPEATS and sum(seconds for seconds, _ in times) < BUDGET:
        started, used = time.perf_counter(), time.process_time()
        train()
        times.append((time.perf_counter() - started, time.process_time() - used))
    seconds, cpu = min(times)
    return {"seconds": seconds, "cpu": cpu, "before": before, "memory": resident("VmHWM"), "runs": len(times)}


def main(program: str, kind: str, path: str, vocabulary: str, cores: str) -> None:
    """Run one of `PROGRAMS`."""
    with pa.OSFile(path) as file:
        texts = pa.ipc.open_file(file).read_all()["text"].chunk(0)
    package, prepare = PROGRAMS[program]
    started = time.perf_counter()
    train = prepare(kind, texts, int(vocabulary), int(cores))
    ready = time.perf_counter() - started
    del texts
    pa.default_memory_pool().release_unused()
    print(json.dumps({"version": importlib.metadata.version(package), "ready": ready, **timed(train)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
