"""The RecordBatch coder and the public map-only transform."""

import logging
import subprocess
import sys

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.coders import registry
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.arrow import MapBatches, RecordBatchCoder

CODER = RecordBatchCoder()


def batch_of(texts, numbers=None):
    numbers = range(len(texts)) if numbers is None else numbers
    return pa.record_batch({"text": pa.array(texts, pa.large_string()), "number": pa.array(numbers, pa.int32())})


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.booleans())), st.data())
def test_round_trip_and_slices(rows, data):
    batch = pa.record_batch(
        {"text": pa.array([r[0] for r in rows], pa.large_string()), "flag": pa.array([r[1] for r in rows], pa.bool_())}
    )
    start = data.draw(st.integers(0, len(rows)))
    part = batch.slice(start, data.draw(st.integers(0, len(rows) - start)))
    encoded = CODER.encode(part)
    assert encoded == CODER.encode(part)
    assert CODER.decode(encoded).equals(part)
    assert CODER.decode(encoded).schema == batch.schema


def test_schema_metadata_survives():
    batch = batch_of(["a"]).replace_schema_metadata({"from": "here"})
    assert CODER.decode(CODER.encode(batch)).schema.metadata == {b"from": b"here"}


def test_a_slice_does_not_drag_its_parent():
    parent = batch_of(["x" * 1000] * 1000)
    part = parent.slice(500, 5)
    assert len(CODER.encode(part)) < 6500
    assert CODER.estimate_size(part) < 6500


def test_streams_of_no_or_several_batches_are_refused():
    for count in (0, 2):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch_of(["a"]).schema) as writer:
            for _ in range(count):
                writer.write_batch(batch_of(["a"]))
        with pytest.raises(ValueError, match=f"exactly one record batch, found {count}"):
            CODER.decode(sink.getvalue().to_pybytes())


def test_bytes_are_the_same_in_another_process():
    program = (
        "import pyarrow as pa, sys; from pipelines.arrow import RecordBatchCoder as C;"
        "b = pa.record_batch({'t': pa.array(['a', None, 'ü'] * 9, pa.large_string())}).slice(4, 9);"
        "sys.stdout.buffer.write(C().encode(b))"
    )
    here = pa.record_batch({"t": pa.array(["a", None, "ü"] * 9, pa.large_string())}).slice(4, 9)
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout == CODER.encode(
        here
    )


def test_the_coder_is_registered_and_deterministic():
    assert registry.get_coder(pa.RecordBatch) == CODER
    assert CODER.is_deterministic()
    assert CODER.to_type_hint() is pa.RecordBatch


def double(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.slice(0, 1)


def make(number):
    return batch_of([str(number)] * 3)


def test_map_batches_maps_counts_and_keeps_the_coder():
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(flags=[]))
    batches = pipeline | beam.Create([1, 2]) | beam.Map(make).with_output_types(pa.RecordBatch)
    mapped = batches | MapBatches(double, "first_row")
    spread = mapped | beam.Reshuffle()
    assert mapped.element_type is pa.RecordBatch
    assert_that(spread, equal_to([make(1).slice(0, 1), make(2).slice(0, 1)]))
    proto, context = pipeline.to_runner_api(return_context=True)
    (output,) = [p for name, p in proto.components.transforms.items() if p.unique_name == "first_row"]
    (collection,) = output.outputs.values()
    coder = context.coders.get_by_id(proto.components.pcollections[collection].coder_id)
    assert coder == CODER
    counters = pipeline.run().metrics().query()["counters"]
    found = {c.key.metric.name: c.committed for c in counters if c.key.metric.namespace == "corpuskit.first_row"}
    assert found == {"batches": 2, "rows_in": 6, "rows_out": 2}


def test_map_batches_refuses_other_elements_when_the_pipeline_is_built():
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(flags=[]))
    with pytest.raises(beam.typehints.decorators.TypeCheckError):
        _ = pipeline | beam.Create(["text"]) | MapBatches(double)


def test_importing_beam_leaves_the_root_logger_alone():
    program = "import logging; from pipelines import arrow; assert not logging.getLogger().handlers"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert logging.root.manager.disable == 0


def test_the_engine_does_not_import_beam():
    program = "import sys, pipelines.engine; assert 'apache_beam' not in sys.modules and 'pyarrow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
