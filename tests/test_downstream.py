import dataclasses

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from corpuskit import tasks, tokenization
from corpuskit.recipe.evaluation import DownstreamConfig
from corpuskit.recipe.training import ModelConfig
from corpuskit.tasks import Classification, Example, MinimalPairs, OrderConfig, Pair
from pretrain.downstream import by_unit, evaluate
from pretrain.downstream.classify import fine_tune, logistic_regression, pool, probe, rate, shuffled_batches
from pretrain.downstream.likelihood import causal_scores, masked_scores, prefers_good
from pretrain.downstream.texts import chunks, encode
from pretrain.model import Transformer
from pretrain.objectives import OBJECTIVES, Place

CPU = torch.device("cpu")
OBJECTIVE_NAMES = ("causal", "masked")


class Bytes:
    """A tokenizer whose ids are 128 + byte."""

    vocab_size = 128 + 256

    def encode(self, texts):
        rows = [[128 + byte for byte in text.encode()] for text in texts.to_pylist()]
        return pa.array(rows, pa.large_list(pa.uint16()))


class Deaf(Bytes):
    """A lossy tokenizer: every text of the same length looks the same."""

    def encode(self, texts):
        return pa.array([[1] * len(text) for text in texts.to_pylist()], pa.large_list(pa.uint16()))


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model():
    return Transformer(ModelConfig(layers=2, width=32, heads=2), Bytes.vocab_size, seed=5).eval()


def colours(n_train=120, n_test=80):
    """Which of three colours does the text name; learnable from one word."""
    generator = np.random.default_rng(0)
    names = ("crimson", "emerald", "azure")
    words = ("the", "a", "box", "lid", "was", "is", "painted", "never", "often")
    examples = []
    for index in range(n_train + n_test):
        text = list(generator.choice(words, generator.integers(3, 9)))
        text.insert(int(generator.integers(0, len(text))), names[index % 3])
        examples.append(Example(" ".join(text), index % 3))
    return Classification(name="colours", labels=names, train=tuple(examples[:n_train]), test=tuple(examples[n_train:]))


# Classification


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
def test_fine_tuning_learns_a_trivial_task(model, objective):
    result = evaluate(colours(), model, Bytes(), objective, DownstreamConfig(epochs=8), seed=0)
    assert result.accuracy > 0.9
    assert result.items.shape == (80,)
    assert result.items.dtype == np.float32
    assert set(np.unique(result.items)) <= {0.0, 1.0}
    assert result.accuracy == pytest.approx(result.items.mean())
    assert result.chance == pytest.approx(1 / 3, abs=0.02)
    assert set(result.groups) == {"crimson", "emerald", "azure"}
    assert (result.name, result.metric) == ("colours", "accuracy")
    assert result.seconds > 0


class Kept(Bytes):
    """Keeps the texts that it encodes."""

    def __init__(self):
        self.texts = []

    def encode(self, texts):
        self.texts += texts.to_pylist()
        return super().encode(texts)


def test_texts_are_cut_before_they_are_encoded_and_further_cuts_are_counted(model):
    task, tokenizer = colours(6, 6), Kept()
    config = DownstreamConfig(mode="linear_probe", max_characters=20)
    result = evaluate(task, model, tokenizer, "causal", config, 0)
    assert tokenizer.texts == [example.text[:20] for example in (*task.train, *task.test)]
    assert max(map(len, tokenizer.texts)) == 20
    assert result.cut == 0
    bounded = evaluate(task, model, Bytes(), "causal", config.model_copy(update={"max_tokens": 20}), 0)
    assert bounded.cut == sum(len(example.text) >= 20 for example in task.test) > 0  # one place is that of bos


def test_results_carry_units(model):
    task = dataclasses.replace(colours(6, 6), unit_of=(0, 0, 1, 2, 2, 2))
    result = evaluate(task, model, Bytes(), "causal", DownstreamConfig(mode="linear_probe"), 0)
    assert result.units.tolist() == [0, 0, 1, 2, 2, 2]
    order = tasks.load(OrderConfig(pairs=10))
    assert evaluate(order, model, Bytes(), "causal", DownstreamConfig(), 0).units.tolist() == list(range(10))


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(-3, 9)), min_size=1, max_size=60))
def test_the_weighted_mean_over_units_is_the_mean_over_items(scored):
    items, units = np.array([item for item, _ in scored], np.float32), np.array([unit for _, unit in scored])
    means, weights = by_unit(items, units)
    assert means.dtype == np.float32
    assert weights.dtype == np.float64
    assert weights.tolist() == [(units == unit).sum() for unit in np.unique(units)]
    assert means.tolist() == pytest.approx([items[units == unit].mean() for unit in np.unique(units)])
    assert np.average(means, weights=weights) == pytest.approx(items.mean(dtype=np.float64))


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
def test_fine_tuning_is_deterministic_and_follows_the_seed(model, objective):
    config = DownstreamConfig(epochs=1)
    runs = [trained_head(model, objective, config, seed) for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    first, again = (evaluate(colours(), model, Bytes(), objective, config, 1).items for _ in range(2))
    assert (first == again).all()


def trained_head(model, objective, config, seed):
    task = colours()
    learned = OBJECTIVES[objective]
    sequences = encode(Bytes(), [text for text, _ in task.train], learned, CPU)
    labels = np.array([label for _, label in task.train])
    return fine_tune(probe(model, learned, sequences, labels, 3, config), sequences, labels, config, seed).head.weight


@pytest.mark.parametrize("mode", ["fine_tune", "linear_probe"])
def test_the_model_and_the_global_generator_stay_as_they_were(model, mode):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    state = torch.get_rng_state()
    model.train()
    evaluate(colours(), model, Bytes(), "causal", DownstreamConfig(mode=mode, epochs=1), 0)
    assert model.training
    model.eval()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


def test_the_linear_probe_needs_no_seed_and_no_epochs(model):
    results = [
        evaluate(colours(), model, Bytes(), "masked", DownstreamConfig(mode="linear_probe", epochs=epochs), seed)
        for epochs, seed in ((1, 0), (5, 9))
    ]
    assert (results[0].items == results[1].items).all()
    assert results[0].accuracy > results[0].chance + 0.1


def test_labels_without_signal_stay_near_chance(model):
    generator = np.random.default_rng(3)
    noise = [Example("".join(generator.choice(list("abcdefgh "), 20)), int(i % 2)) for i in range(400)]
    task = Classification(name="noise", labels=("x", "y"), train=tuple(noise[:200]), test=tuple(noise[200:]))
    result = evaluate(task, model, Bytes(), "causal", DownstreamConfig(), 0)
    assert 0.36 < result.accuracy < 0.64
    assert result.chance == 0.5


def test_logistic_regression_meets_its_optimum():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(60, 5, dtype=torch.float64, generator=generator)
    labels = torch.randint(0, 3, (60,), generator=generator)
    weight, bias = (part.requires_grad_() for part in logistic_regression(features, labels, 3, l2=2.0))
    loss = functional.cross_entropy(features @ weight.T + bias, labels, reduction="sum") + weight.square().sum()
    for gradient in torch.autograd.grad(loss, (weight, bias)):
        assert gradient.abs().max() < 1e-3


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_pooling_does_not_see_padding(model, objective, pooling):
    learned = OBJECTIVES[objective]
    sequences = encode(Bytes(), ["short", "a much longer text than that"], learned, CPU)
    with torch.no_grad():
        together = pool(model, learned, pooling, sequences.batch(np.array([0, 1])))
        alone = torch.cat([pool(model, learned, pooling, sequences.batch(np.array([row]))) for row in (0, 1)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_last_pooling_is_the_last_state(model):
    learned = OBJECTIVES["causal"]
    sequences = encode(Bytes(), ["abc", "abcdef"], learned, CPU)
    with torch.no_grad():
        batch = sequences.batch(np.array([0, 1]))
        states = model.hidden(batch.tokens, True)
        assert torch.equal(pool(model, learned, "last", batch), torch.stack([states[0, 3], states[1, 6]]))


@given(st.integers(1, 300), st.floats(0, 0.99))
def test_learning_rate_rises_then_falls_and_is_never_zero(steps, warmup):
    rates = [rate(step, steps, warmup) for step in range(steps)]
    assert all(0 < value <= 1 for value in rates)
    top = int(np.argmax(rates))
    assert rates[top] == 1
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


# Batches


@given(st.lists(st.integers(1, 40), min_size=1, max_size=200), st.integers(1, 9), st.integers(0, 5))
def test_training_batches_hold_every_row_once(lengths, rows, seed):
    lengths = np.array(lengths)
    batches = list(shuffled_batches(lengths, rows, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert max(map(len, batches)) <= rows
    assert len(batches) == -(-len(lengths) // rows)


@given(st.lists(st.integers(1, 40), max_size=200), st.integers(1, 100))
def test_chunks_hold_every_row_once_within_the_limit(lengths, limit):
    lengths = np.array(lengths, np.int64)
    parts = list(chunks(lengths, limit))
    assert sorted(row for part in parts for row in part) == list(range(len(lengths)))
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= limit for part in parts)


def test_framing_and_cutting():
    texts = ["abcdef", "", "中"]
    causal = encode(Bytes(), texts, OBJECTIVES["causal"], CPU, limit=4)
    masked = encode(Bytes(), texts, OBJECTIVES["masked"], CPU, limit=4)
    assert [row.tolist() for row in causal.ids] == [[2, 225, 226, 227], [2], [2, 356, 312, 301]]
    assert [row.tolist() for row in masked.ids] == [[4, 225, 226, 5], [4, 5], [4, 356, 312, 5]]
    assert causal.batch(np.array([2, 1])).tokens.tolist() == [[2, 356, 312, 301], [2, 0, 0, 0]]


# Minimal pairs


SENTENCES = ["the cat sat", "a", "dogs bark at night", "你好", "dogs bark"]


def test_causal_scores_are_the_sum_over_tokens(model):
    sequences = encode(Bytes(), SENTENCES, OBJECTIVES["causal"], CPU)
    expected = []
    for ids in sequences.ids:
        with torch.no_grad():
            tokens = torch.from_numpy(ids)[None]
            logs = model.logits(model.hidden(tokens, True)).double().log_softmax(-1)[0]
        expected.append(sum(float(logs[i, ids[i + 1]]) for i in range(len(ids) - 1)))
    for limit in (1, 25, 10_000):
        np.testing.assert_allclose(causal_scores(model, sequences, limit), expected, rtol=1e-4)


def test_masked_scores_hide_one_token_at_a_time(model):
    sequences = encode(Bytes(), SENTENCES, OBJECTIVES["masked"], CPU)
    expected = []
    for ids in sequences.ids:
        total = 0.0
        for i in range(1, len(ids) - 1):
            tokens = torch.from_numpy(ids)[None].clone()
            tokens[0, i] = tokenization.MASK
            with torch.no_grad():
                total += float(model.logits(model.hidden(tokens, False)).double().log_softmax(-1)[0, i, ids[i]])
        expected.append(total)
    for limit in (1, 25, 10_000):
        np.testing.assert_allclose(masked_scores(model, sequences, (1, 1), limit), expected, rtol=1e-4)


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
def test_sentences_that_a_tokenizer_cannot_tell_apart_tie(model, objective):
    pairs = [("abc", "cba"), ("dogs bark", "bark dogs"), ("one", "three")]
    items = prefers_good(model, Deaf(), OBJECTIVES[objective], pairs, 16)
    assert items[:2].tolist() == [0.5, 0.5]
    assert items[2] in (0.0, 1.0)


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
def test_mirrored_pairs_mirror_the_answer(model, objective):
    task = tasks.load(OrderConfig(pairs=20))
    mirror = MinimalPairs(name="mirror", pairs=tuple(Pair(p.bad, p.good, p.phenomenon) for p in task.pairs))
    results = [evaluate(part, model, Bytes(), objective, DownstreamConfig(), 0) for part in (task, mirror)]
    np.testing.assert_array_equal(results[0].items + results[1].items, np.ones(20))


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
def test_a_random_model_is_near_chance(model, objective):
    task = tasks.load(tasks.AgreementConfig(pairs=120))
    result = evaluate(task, model, Bytes(), objective, DownstreamConfig(), 0)
    assert 0.3 < result.accuracy < 0.7
    assert result.chance == 0.5
    assert set(result.groups) == {"determiner_noun", "subject_verb", "subject_verb_attractor"}


class Words:
    """A tokenizer with an id for each word, in order of appearance."""

    def __init__(self):
        self.ids = {}

    def encode(self, texts):
        rows = [[self.ids.setdefault(word, 128 + len(self.ids)) for word in text.split()] for text in texts.to_pylist()]
        return pa.array(rows, pa.large_list(pa.uint16()))


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
def test_a_model_trained_on_good_sentences_prefers_them(objective):
    pairs = tasks.load(OrderConfig(pairs=200)).pairs
    learned, tokenizer = OBJECTIVES[objective], Words()
    student = Transformer(ModelConfig(layers=1, width=64, heads=2), 300, seed=1)
    train_on(student, encode(tokenizer, [pair.good for pair in pairs[::2]], learned, CPU), learned)
    unseen = MinimalPairs(name="unseen", pairs=pairs[1::2])
    assert evaluate(unseen, student, tokenizer, objective, DownstreamConfig(), 0).accuracy > 0.85


def train_on(model, sequences, learned, steps=200):
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    rows = next(sequences.by_length(10**6)).tokens.numpy()
    for step in range(steps):
        place = Place(seed=0, step=step, first_row=0, vocab_size=model.vocab_size, mask_share=0.15)
        inputs, targets = (torch.from_numpy(np.ascontiguousarray(part)) for part in learned.examples(rows, place))
        loss = model(inputs, targets, learned.causal) / targets.numel()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


# The real tokenizer


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece"])
def test_real_tokenizers_work(kind):
    task = tasks.load(OrderConfig(pairs=20))
    texts = pa.array([pair.good for pair in tasks.load(OrderConfig(pairs=200)).pairs], pa.large_string())
    tokenizer = tokenization.train(tokenization.TokenizerConfig(type=kind, vocab_size=800), [texts])
    model = Transformer(ModelConfig(layers=1, width=16, heads=1), tokenizer.vocab_size)
    result = evaluate(task, model, tokenizer, "masked", DownstreamConfig(), 0)
    assert len(result.items) == 20
    assert not (result.items == 0.5).any()
    sequences = encode(tokenizer, ["The new file was found."], OBJECTIVES["causal"], CPU)
    assert (
        tokenizer.decode(pa.array([sequences.ids[0][1:]], pa.large_list(pa.uint16())))[0].as_py()
        == "The new file was found."
    )
