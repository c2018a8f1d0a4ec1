"""RecordBatches in Beam pipelines of your own: their coder, and the map-only transform.

Importing this module registers a coder for `pyarrow.RecordBatch`. Without it Beam pickles batches, and pickling a slice
writes its whole parent. Beam chooses a coder by the type hint of a PCollection, so every transform that gives batches
must say so: `.with_output_types(pa.RecordBatch)`, or an annotation on `process`.
"""

from collections.abc import Callable, Iterator

import pyarrow as pa

from pipelines.quiet_beam import Coder, Metrics, beam, typecoders

WRITE_OPTIONS = pa.ipc.IpcWriteOptions(use_threads=False)
READ_OPTIONS = pa.ipc.IpcReadOptions(use_threads=False)


class RecordBatchCoder(Coder):
    """Encodes a RecordBatch as an Arrow IPC stream of exactly one batch, slices without their parent.

    Equal batches that were built in the same way have the same bytes in every process; see `is_deterministic`.
    """

    def encode(self, value: pa.RecordBatch) -> bytes:
        """Return the IPC stream of one batch."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.schema, options=WRITE_OPTIONS) as writer:
            writer.write_batch(value)
        return sink.getvalue().to_pybytes()

    def decode(self, encoded: bytes) -> pa.RecordBatch:
        """Return the batch of an IPC stream, zero-copy over `encoded`.

        Raises:
            ValueError: the stream holds no batch, or more than one.
        """
        with pa.ipc.open_stream(pa.py_buffer(encoded), options=READ_OPTIONS) as reader:
            batches = list(reader)
        if len(batches) != 1:
            raise ValueError(f"expected an IPC stream of exactly one record batch, found {len(batches)}")
        return batches[0]

    def estimate_size(self, value: pa.RecordBatch) -> int:
        """Return the bytes of the batch; Beam samples sizes, and would encode the batch to learn its own."""
        return value.nbytes

    def is_deterministic(self) -> bool:
        """Return True."""
        return True

    def to_type_hint(self) -> type[pa.RecordBatch]:
        """Return the type that this coder is registered for."""
        return pa.RecordBatch

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return id(type(self))


typecoders.registry.register_coder(pa.RecordBatch, RecordBatchCoder)


@beam.typehints.with_input_types(pa.RecordBatch)
@beam.typehints.with_output_types(pa.RecordBatch)
class MapBatches(beam.PTransform):
    """Applies a plain function to each batch: PCollection[pa.RecordBatch] -> PCollection[pa.RecordBatch].

    Counters, in the namespace `corpuskit.<label>`: `batches`, `rows_in`, `rows_out`.
    """

    def __init__(self, fn: Callable[[pa.RecordBatch], pa.RecordBatch], label: str = "map_batches") -> None:
        super().__init__(label)
        self._fn = fn

    def expand(self, batches: beam.PCollection[pa.RecordBatch]) -> beam.PCollection[pa.RecordBatch]:
        """Apply one ParDo."""
        return batches | "apply" >> beam.ParDo(_Apply(self._fn, self.label))


class _Apply(beam.DoFn):
    def __init__(self, fn: Callable[[pa.RecordBatch], pa.RecordBatch], label: str) -> None:
        self._fn = fn
        namespace = f"corpuskit.{label}"
        self._batches = Metrics.counter(namespace, "batches")
        self._rows_in = Metrics.counter(namespace, "rows_in")
        self._rows_out = Metrics.counter(namespace, "rows_out")

    def process(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        result = self._fn(batch)
        self._batches.inc()
        self._rows_in.inc(batch.num_rows)
        self._rows_out.inc(result.num_rows)
        yield result
