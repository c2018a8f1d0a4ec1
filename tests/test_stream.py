"""The stream: an order of rows that is a function of the step, however the reading is divided."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_data import RESERVED, TOKEN_BYTES, MemoryShards, make_documents, make_job

from corpuskit.errors import InputError, RecipeError
from corpuskit.recipe.training import PretrainConfig
from corpuskit.tokenization import BOS, EOS
from pretrain.objectives import OBJECTIVES
from pretrain.stream import EpochPlan, Framing, TokenStream, permutation
from pretrain.stream.dataset import BatchDataset, Share, open_stream

GOLDEN_PERMUTATION = [7, 1, 3, 0, 4, 2, 6, 5]
GOLDEN_BATCH = [[222, 223, 3, 2, 224, 225, 226], [213, 3, 2, 200, 201, 202, 203]]
FRAMINGS = st.sampled_from([Framing(), Framing(BOS), Framing(None, EOS), Framing(BOS, EOS)])
LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=25)


def numbered(lengths: list[int]) -> MemoryShards:
    """Documents in which every token is unique: 200, 201, … across all of them."""
    ends = 200 + np.cumsum([0, *lengths])
    return MemoryShards([np.arange(start, stop, dtype=np.uint16) for start, stop in itertools.pairwise(ends)])


def stream_of(source: MemoryShards, **options: object) -> TokenStream:
    defaults = {"sequence_length": 8, "batch_rows": 4, "seed": 1, "framing": Framing(BOS, EOS), "overlap": 1}
    return TokenStream(source, np.arange(source.n_documents), **{**defaults, **options})


def framed(source: MemoryShards, document: int, framing: Framing) -> list[int]:
    before = [] if framing.before is None else [framing.before]
    after = [] if framing.after is None else [framing.after]
    return [*before, *source.documents[document].tolist(), *after]


@given(LENGTHS, FRAMINGS, st.integers(1, 12), st.integers(0, 99))
def test_plan_is_the_concatenation_of_framed_documents(lengths: list[int], framing: Framing, width: int, seed: int):
    source = numbered(lengths)
    order = permutation(len(lengths), seed)
    whole = [token for document in order for token in framed(source, document, framing)]
    plan = EpochPlan(order, source.lengths()[order], framing)
    begins = np.arange(0, len(whole) - width + 1, 3)
    expected = [whole[begin : begin + width] for begin in begins]
    assert plan.fill(source, begins, width).tolist() == expected


@settings(deadline=None)
@given(LENGTHS, FRAMINGS, st.integers(2, 9), st.integers(1, 5), st.integers(0, 1), st.integers(1, 3))
def test_each_token_is_a_target_once_an_epoch(
    lengths: list[int], framing: Framing, length: int, rows: int, overlap: int, window: int
):
    source = numbered(lengths)
    options = {"sequence_length": length, "batch_rows": rows, "framing": framing, "overlap": overlap}
    specials = framing.size * sum(size > 0 for size in lengths)
    try:
        stream = stream_of(source, shuffle_batches=window, **options)
    except InputError:
        assert sum(lengths) + specials < length + overlap
        return
    epochs = 3
    steps = -(-epochs * stream.rows_per_epoch // rows)
    read = np.concatenate([stream.batch(step) for step in range(steps)])[: epochs * stream.rows_per_epoch]
    for epoch in read.reshape(epochs, stream.rows_per_epoch, -1):
        text = epoch[:, overlap:][epoch[:, overlap:] >= 200]
        assert len(np.unique(text)) == len(text), "a token came twice in an epoch"
        assert sum(lengths) + specials - epoch[:, overlap:].size < length + overlap, "more than one row was dropped"


@pytest.mark.parametrize("world", [1, 2, 3, 4, 6, 12])
def test_ranks_divide_the_global_batch(world: int):
    stream = stream_of(MemoryShards(make_documents(50)), batch_rows=12)
    for step in (0, 7, 100):
        parts = [stream.batch(step, rank, world) for rank in range(world)]
        assert np.array_equal(np.concatenate(parts), stream.batch(step))


def test_ranks_must_divide_the_batch():
    with pytest.raises(RecipeError, match=r"pretrain.batch_rows: 4 rows cannot be divided among 3 ranks"):
        stream_of(MemoryShards(make_documents(50))).batch(0, 0, 3)


def test_access_is_random():
    source = MemoryShards(make_documents(50))
    forward = [stream_of(source).batch(step) for step in range(60)]
    stream = stream_of(source)
    for step in (59, 3, 31, 3, 0):
        assert np.array_equal(stream.batch(step), forward[step])


def test_order_depends_on_seed_and_epoch_and_not_on_the_order_of_the_selection():
    source = MemoryShards(make_documents(50))
    stream = stream_of(source)
    assert not np.array_equal(stream.batch(0), stream_of(source, seed=2).batch(0))
    epoch = stream.rows_per_epoch
    one, two = (np.concatenate([stream.batch(s) for s in range(60)])[i * epoch : (i + 1) * epoch] for i in (0, 1))
    assert not np.array_equal(one, two)
    options = {"sequence_length": 8, "batch_rows": 4, "seed": 1, "framing": Framing(BOS, EOS), "overlap": 1}
    backwards = TokenStream(source, np.arange(50)[::-1], **options)
    assert np.array_equal(backwards.batch(5), stream.batch(5))
    assert backwards.fingerprint == stream.fingerprint != stream_of(source, seed=2).fingerprint


def test_golden_order():
    """Changes only if old runs can no longer be resumed or repeated: then raise `pretrain.job.REVISION`."""
    stream = stream_of(numbered([5, 0, 9, 3, 7, 11]), sequence_length=6, batch_rows=2)
    assert permutation(8, 1, 2).tolist() == GOLDEN_PERMUTATION
    assert stream.batch(0).tolist() == GOLDEN_BATCH


def test_rows_of_one_long_document_are_spread_over_batches():
    stream = stream_of(numbered([4000, *([40] * 100)]), batch_rows=8, shuffle_batches=1000)
    full = [(stream.batch(step) < 4200).all() for step in range(50)]
    assert np.mean(full) < 0.1, "half of the text is one document, so half of the batches were nothing else unshuffled"


def test_streams_of_two_tokenizers_read_documents_in_one_order():
    coarse, fine = numbered([10] * 80), numbered([25] * 80)
    options = {"batch_rows": 8, "shuffle_batches": 2}
    seen = [np.unique(stream_of(source, **options).spans(0).document) for source in (coarse, fine)]
    order = permutation(80, 0, 1, 0)
    assert set(seen[0]) <= set(order[:15])
    assert set(seen[1]) <= set(order[:15])


@given(LENGTHS.filter(lambda lengths: sum(lengths) > 20), FRAMINGS, st.integers(0, 40))
def test_spans_say_which_documents_a_batch_holds(lengths: list[int], framing: Framing, step: int):
    source = numbered(lengths)
    stream = stream_of(source, framing=framing)
    spans = stream.spans(step)
    for row, tokens in enumerate(stream.batch(step)):
        here = spans.row == row
        pieces = source.gather(spans.document[here], spans.start[here], spans.stop[here])
        assert pieces.tolist() == tokens[tokens >= 200].tolist()


def test_pickling_keeps_the_order_and_drops_the_caches():
    stream = stream_of(MemoryShards(make_documents(50)))
    expected = stream.batch(9)
    copy = pickle.loads(pickle.dumps(stream))
    assert not copy._plans
    assert np.array_equal(copy.batch(9), expected)


def test_refusals():
    source = MemoryShards(make_documents(5))
    with pytest.raises(InputError, match="names documents 0 to 7, but the shards hold 5"):
        open_stream(source, np.arange(8), PretrainConfig())
    with pytest.raises(InputError, match="less than one row"):
        open_stream(source, np.array([], np.int64), PretrainConfig())


def dataset(config: PretrainConfig, share: Share | None = None, source: MemoryShards | None = None) -> BatchDataset:
    source = source or MemoryShards(make_documents(60))
    stream = open_stream(source, np.arange(source.n_documents), config)
    return BatchDataset(stream, OBJECTIVES[config.objective], config, TOKEN_BYTES, share or Share())


@pytest.mark.parametrize("objective", ["causal", "masked"])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_any_ranks_and_workers_give_the_same_global_batches(objective: str, workers: int):
    config = PretrainConfig(objective=objective, sequence_length=16, batch_rows=6)
    plain = dataset(config)
    divided = config.model_copy(update={"loader_workers": workers})
    for world in (1, 2):
        readers = [dataset(divided, Share(rank, world)).batches(start=4) for rank in range(world)]
        for step in range(4, 11):
            parts = [next(reader) for reader in readers]
            whole = plain.at(step)
            assert np.array_equal(np.concatenate([part.inputs for part in parts]), whole.inputs)
            assert np.array_equal(np.concatenate([part.targets for part in parts]), whole.targets)
            assert sum(part.text_bytes for part in parts) == whole.text_bytes


@pytest.mark.parametrize("objective", ["causal", "masked"])
def test_bytes_of_an_epoch_are_the_bytes_of_its_documents(objective: str):
    source = MemoryShards(make_documents(60))
    config = PretrainConfig(objective=objective, sequence_length=16, batch_rows=1)
    data = dataset(config, source=source)
    consumed = sum(data.at(step).text_bytes for step in range(data.stream.rows_per_epoch))
    total = sum(int(TOKEN_BYTES[document].sum()) for document in source.documents)
    dropped = total - consumed
    assert 0 <= dropped <= 17 * TOKEN_BYTES.max()


def test_masks_hide_the_share_asked_for_and_only_text():
    config = PretrainConfig(objective="masked", sequence_length=64, batch_rows=64, mask_share=0.3)
    data = dataset(config, source=MemoryShards(make_documents(400)))
    batch, rows = data.at(0), data.stream.batch(0)
    inputs, targets = batch.inputs.numpy(), batch.targets.numpy()
    chosen, text = targets >= 0, rows >= RESERVED
    assert not (chosen & ~text).any()
    assert np.array_equal(targets[chosen], rows[chosen])
    assert np.array_equal(inputs[~chosen], rows[~chosen])
    assert chosen.sum() / text.sum() == pytest.approx(0.3, abs=0.03)
    assert (inputs[chosen] == 6).mean() == pytest.approx(0.8, abs=0.05)
    assert (inputs[chosen] == rows[chosen]).mean() == pytest.approx(0.1 + 0.1 / 64, abs=0.04)
    assert ((inputs >= RESERVED) | (inputs == rows) | (inputs == 6)).all()


def test_masks_are_drawn_anew_each_step():
    data = dataset(PretrainConfig(objective="masked", sequence_length=16, batch_rows=4))
    one, again, other = data.at(3).targets, data.at(3).targets, data.at(4).targets
    assert np.array_equal(one, again)
    assert not np.array_equal(one >= 0, other >= 0)


def test_real_shards_give_the_stream_of_the_same_documents_in_memory(tmp_path):
    from corpuskit.shards import Shards

    job = make_job(tmp_path)
    real = open_stream(Shards.open(job.shards), job.selection, job.config)
    memory = open_stream(MemoryShards(make_documents(120)), job.selection, job.config)
    for step in range(20):
        assert np.array_equal(real.batch(step), memory.batch(step))
