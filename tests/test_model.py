"""The model: attention, positions, padding, loss and its gradients, initial weights, counts."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from corpuskit.recipe.training import ModelConfig
from pretrain.model import Transformer, head, summed_cross_entropy, token_losses
from pretrain.model.transformer import rotary_angles
from pretrain.objectives import IGNORED

CONFIG = ModelConfig(layers=2, width=32, heads=4)


@pytest.fixture(scope="module")
def model() -> Transformer:
    return Transformer(CONFIG, vocab_size=200, seed=3).eval()


def random_tokens(rows: int, length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 200, (rows, length), generator=torch.Generator().manual_seed(seed))


def test_causal_states_depend_on_the_past_alone(model: Transformer):
    tokens = random_tokens(3, 20)
    changed = tokens.clone()
    changed[:, 12:] = random_tokens(3, 8, seed=1)
    before, after = model.hidden(tokens, causal=True), model.hidden(changed, causal=True)
    torch.testing.assert_close(before[:, :12], after[:, :12])
    assert not torch.allclose(before[:, 12], after[:, 12])


def test_bidirectional_states_depend_on_the_future(model: Transformer):
    tokens = random_tokens(3, 20)
    changed = tokens.clone()
    changed[:, 19] = (changed[:, 19] + 1) % 200
    assert not torch.allclose(model.hidden(tokens, causal=False)[:, 0], model.hidden(changed, causal=False)[:, 0])


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("left", [True, False])
def test_padded_rows_have_the_states_of_rows_without_padding(model: Transformer, causal: bool, left: bool):
    short = random_tokens(1, 7)
    filler = random_tokens(1, 5, seed=2)
    tokens = torch.cat([filler, short] if left else [short, filler], dim=1)
    padding = torch.zeros(1, 12, dtype=torch.bool)
    text = slice(5, 12) if left else slice(0, 7)
    padding[:, :] = True
    padding[:, text] = False
    padded = model.hidden(tokens, causal, padding)
    assert torch.isfinite(padded).all()
    # Rotary positions are relative, so text shifted to the right has the same states.
    torch.testing.assert_close(padded[:, text], model.hidden(short, causal), atol=2e-5, rtol=1e-4)


def test_order_of_tokens_matters(model: Transformer):
    tokens = torch.tensor([[130, 140, 150, 160]])
    states = model.hidden(tokens, causal=False)
    turned = model.hidden(tokens.flip(1), causal=False)
    assert not torch.allclose(states, turned.flip(1), atol=1e-3)


def test_attention_agrees_with_the_formula(model: Transformer):
    """One attention layer by hand, rotation in complex numbers."""
    x = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(5))
    layer = model.blocks[0].attention
    query, key, value = layer.inputs(x).view(2, 9, 3, 4, 8).unbind(2)
    frequencies = CONFIG.rope_base ** (-torch.arange(4) / 4)
    turn = torch.polar(torch.ones(9, 4), torch.arange(9)[:, None] * frequencies)[None, :, None]

    def turned(states: torch.Tensor) -> torch.Tensor:
        product = torch.complex(states[..., :4], states[..., 4:]) * turn
        return torch.cat([product.real, product.imag], dim=-1)

    scores = torch.einsum("bqhc,bkhc->bhqk", turned(query), turned(key)) / 8**0.5
    scores = scores.masked_fill(torch.ones(9, 9).triu(1).bool(), -torch.inf)
    expected = layer.outputs(torch.einsum("bhqk,bkhc->bqhc", scores.softmax(-1), value).reshape(2, 9, 32))
    found = layer(x, rotary_angles(9, CONFIG, x.device), True, None)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("slice_logits", [1, 1000, 1 << 20])
def test_loss_and_gradients_are_those_of_plain_cross_entropy(monkeypatch: pytest.MonkeyPatch, slice_logits: int):
    monkeypatch.setitem(head.SLICE_LOGITS, "cpu", slice_logits)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(37, 16, generator=generator, requires_grad=True)
    weight = torch.randn(50, 16, generator=generator, requires_grad=True)
    targets = torch.randint(0, 50, (37,), generator=generator)
    (3 * summed_cross_entropy(hidden, weight, targets)).backward()
    found = hidden.grad.clone(), weight.grad.clone()
    hidden.grad = weight.grad = None
    expected = functional.cross_entropy(hidden @ weight.T, targets, reduction="sum")
    (3 * expected).backward()
    torch.testing.assert_close(summed_cross_entropy(hidden, weight, targets), expected)
    torch.testing.assert_close(found, (hidden.grad, weight.grad), atol=1e-4, rtol=1e-4)


def test_loss_of_huge_logits_is_finite():
    hidden = torch.full((4, 8), 1e3, requires_grad=True)
    weight = torch.randn(20, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = summed_cross_entropy(hidden, weight, torch.arange(4))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(hidden.grad).all()


def test_loss_of_no_positions_is_zero():
    hidden, weight = torch.empty(0, 8, requires_grad=True), torch.ones(20, 8, requires_grad=True)
    loss = summed_cross_entropy(hidden, weight, torch.empty(0, dtype=torch.int64))
    loss.backward()
    assert loss == 0
    assert not weight.grad.any()


def test_token_losses_sum_to_the_loss_and_leave_out_ignored_positions(model: Transformer):
    hidden = model.hidden(random_tokens(2, 9), causal=True).flatten(0, 1)
    targets = random_tokens(2, 9, seed=1).flatten()
    losses = token_losses(hidden, model.output_weight, targets)
    torch.testing.assert_close(losses.sum(), summed_cross_entropy(hidden, model.output_weight, targets))
    targets[::3] = IGNORED
    masked = token_losses(hidden, model.output_weight, targets)
    assert not masked[::3].any()
    torch.testing.assert_close(masked[1::3], losses[1::3])


def test_masked_loss_counts_marked_positions_alone(model: Transformer):
    tokens = random_tokens(2, 9)
    targets = torch.full_like(tokens, IGNORED)
    targets[0, 4], targets[1, 0] = 150, 160
    logits = model.logits(model.hidden(tokens, causal=False))
    expected = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    torch.testing.assert_close(model(tokens, targets, False), expected)


def test_bfloat16_loss_is_close_to_float32(model: Transformer):
    tokens, targets = random_tokens(4, 32), random_tokens(4, 32, seed=1)
    expected = model(tokens, targets, True)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(tokens, targets, True)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=5e-3, atol=0.0)


def test_initial_weights_depend_on_seed_and_name_alone():
    one, again = Transformer(CONFIG, 200, seed=1), Transformer(CONFIG, 200, seed=1)
    other, larger = Transformer(CONFIG, 200, seed=2), Transformer(CONFIG, 300, seed=1)
    weights = [dict(model.named_parameters()) for model in (one, again, other, larger)]
    name = "blocks.1.feed_forward.inputs.weight"
    assert all(torch.equal(weight, weights[1][key]) for key, weight in weights[0].items())
    assert not torch.equal(weights[0][name], weights[2][name])
    assert torch.equal(weights[0][name], weights[3][name]), "blocks do not depend on the vocabulary"
    assert not torch.equal(weights[0][name], weights[0][name.replace("1", "0")])


def test_initial_loss_is_that_of_guessing():
    model = Transformer(ModelConfig(), 4096)
    tokens = torch.randint(0, 4096, (4, 64), generator=torch.Generator().manual_seed(0))
    loss = model(tokens[:, :-1], tokens[:, 1:], True) / (4 * 63)
    assert loss.item() == pytest.approx(8.318, abs=0.15)


def test_counts():
    model = Transformer(ModelConfig(), 4096)
    block = 4 * 128 * 128 + 3 * 128 * 384 + 2 * 128
    assert model.parameter_count == 4096 * 128 + 2 * block + 128
    untied = Transformer(ModelConfig(tied=False), 4096)
    assert untied.parameter_count == model.parameter_count + 4096 * 128
    matrices = 2 * (block - 2 * 128)
    assert model.training_flops(128) == 6 * (matrices + 4096 * 128) + 12 * 2 * 128 * 128
    assert model.training_flops(128, 0.15) < model.training_flops(128)


def test_flops_agree_with_those_torch_counts():
    model = Transformer(ModelConfig(), 1024)
    tokens = torch.zeros(2, 64, dtype=torch.int64)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.logits(model.hidden(tokens, causal=False))
    assert counter.get_total_flops() * 3 / 128 == pytest.approx(model.training_flops(64), rel=0.01)


def test_untied_head_is_used():
    model = Transformer(ModelConfig(layers=1, width=32, heads=2, tied=False), 150)
    assert model.output_weight is model.head.weight
    loss = model(torch.zeros(1, 4, dtype=torch.int64), torch.ones(1, 4, dtype=torch.int64), True)
    loss.backward()
    assert model.head.weight.grad.abs().sum() > 0


def test_feed_forward_width():
    assert ModelConfig().feed_forward == 384
    assert ModelConfig(width=768, heads=12).feed_forward == 2048
    assert ModelConfig(hidden=100).feed_forward == 100


@pytest.mark.parametrize("heads", [3, 128])
def test_heads_must_divide_the_width_evenly(heads: int):
    with pytest.raises(ValidationError, match="even number of channels"):
        ModelConfig(heads=heads)
