"""What a worker process does to start fast and to use its memory again."""

import subprocess
import sys

WORK = """
import sys
from pipelines.engine import worker
worker.keep_memory()
worker._skip_numba_extensions()
from corpuskit.kernels import Texts
import pyarrow as pa
words = Texts.from_arrow(pa.array(["two words"])).words("whitespace")
print(len(words.starts), "awkward" in sys.modules)
"""


def test_kernels_work_without_the_packages_that_extend_numba() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
