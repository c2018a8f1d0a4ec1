"""The `kernel` decorator and the numba cache folder."""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt


def source_hash() -> str:
    """Return 16 hex digits that change with any source file of `corpuskit.kernels` and with numba's version.

    Numba keys a cached function on the contents of its own file only: after an edit to a callee in another file, the
    caller would go on running the old machine code; the same holds for global constants. Kernels outside this folder
    may therefore use kernels and constants of their own file and of this folder, and nothing else.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@functools.cache
def cache_folder() -> Path | None:
    """Return the folder for compiled kernels, or None where none can be written (kernels then compile every time).

    It is `numba-<source hash>` inside NUMBA_CACHE_DIR, else inside `corpuskit` in the user's cache folder.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        base = Path(given) if given else Path(user_cache).expanduser() / "corpuskit"
        folder = base / f"numba-{source_hash()}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return None
    return folder if os.access(folder, os.W_OK) else None


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function with numba: releases the GIL, cached on disk, division by zero as in numpy, never fastmath.

    Compilation happens at the first call, once per combination of argument types: pass arrays through `fixed`.
    """
    return _compiled(function)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function as `kernel` does, to be called by kernels only, in their inner loops.

    LLVM is told to inline it: passing an array to a function costs 4 ns, as much as hashing two words. It may make no
    array, and references to those it is given are not counted: an atomic addition and subtraction, 10 ns, each time.
    """
    return _compiled(function, forceinline=True, _nrt=False)


def _compiled(function: Callable[..., Any], **options: bool) -> Any:
    folder = cache_folder()
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder or "")  # read by njit; restored, so that other packages' caches stay in place
    try:
        return numba.njit(nogil=True, cache=folder is not None, error_model="numpy", **options)(function)
    finally:
        numba.config.CACHE_DIR = before


def fixed(array: npt.ArrayLike, dtype: npt.DTypeLike) -> np.ndarray:
    """Return a read-only C-contiguous array of `dtype`, without a copy where it is one already.

    Numba compiles a kernel once more for every other dtype, layout and writability; Arrow buffers are read-only.
    """
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view
