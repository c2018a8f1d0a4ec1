"""What a worker process does to start fast and to use its memory again."""

import subprocess
import sys

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines import annotate

WORK = """
import sys
from pipelines.engine import worker
worker._keep_memory()
worker._skip_numba_extensions()
from corpuskit.kernels import Texts
import pyarrow as pa
words = Texts.from_arrow(pa.array(["two words"])).words("whitespace")
print(len(words.starts), "awkward" in sys.modules)
"""


def test_kernels_work_without_the_packages_that_extend_numba() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]


@given(st.lists(st.integers(0, 3 << 20), max_size=12))
def test_batches_are_cut_into_all_their_rows_in_order(sizes: list[int]) -> None:
    texts = pa.array(["x" * size for size in sizes], pa.large_string())
    batch = pa.RecordBatch.from_arrays([texts], names=["text"])
    cut = [*annotate._cut([batch])]
    assert pa.Table.from_batches(cut, batch.schema).column("text").to_pylist() == texts.to_pylist()
    assert all(len(part) for part in cut)
    mean = batch.nbytes / max(len(batch), 1)
    assert all(len(part) == 1 or len(part) * mean <= annotate.BATCH_BYTES for part in cut)
