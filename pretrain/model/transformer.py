"""The Transformer: RMSNorm, rotary positions, SwiGLU, one attention kernel.

Pre-norm (Xiong et al. 2020), RMSNorm (Zhang & Sennrich 2019), rotary positions (Su et al. 2021), SwiGLU (Shazeer 2020),
no biases. Shapes: B rows, T positions, D width, H heads, V vocabulary.
"""

import torch
import xxhash
from torch import nn
from torch.nn import functional

from corpuskit.recipe.training import ModelConfig
from pretrain.model.head import summed_cross_entropy
from pretrain.objectives import IGNORED

EMBEDDING_STD = 0.02


class Attention(nn.Module):
    """Multi-head self-attention with rotary positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.inputs = nn.Linear(config.width, 3 * config.width, bias=False)
        self.outputs = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self, x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor], causal: bool, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Map float[B, T, D] to float[B, T, D]; `mask`, bool[B, 1, T, T], is True where attention is allowed."""
        B, T, D = x.shape
        projected = self.inputs(x).view(B, T, 3 * self.heads, D // self.heads).transpose(1, 2)
        turned = rotate(projected[:, : 2 * self.heads], *rotation)
        query, key = turned[:, : self.heads], turned[:, self.heads :]
        value = projected[:, 2 * self.heads :]
        mixed = attend(query, key, value, mask, causal and mask is None)
        return self.outputs(mixed.transpose(1, 2).reshape(B, T, D))


class FeedForward(nn.Module):
    """SwiGLU: silu(gate) * up, projected back."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inputs = nn.Linear(config.width, 2 * config.feed_forward, bias=False)
        self.outputs = nn.Linear(config.feed_forward, config.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float[B, T, D] to float[B, T, D]."""
        gate, up = self.inputs(x).chunk(2, dim=-1)
        return self.outputs(functional.silu(gate) * up)


class Block(nn.Module):
    """Attention and feed-forward, each around the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width, config.norm_epsilon)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.width, config.norm_epsilon)
        self.feed_forward = FeedForward(config)

    def forward(
        self, x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor], causal: bool, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Map float[B, T, D] to float[B, T, D]."""
        x = x + self.attention(self.attention_norm(x), rotation, causal, mask)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Transformer(nn.Module):
    """A language model over `vocab_size` ids; causal or bidirectional by a flag of each call, for any length."""

    def __init__(self, config: ModelConfig, vocab_size: int, seed: int = 0) -> None:
        """Make a model with weights drawn under `seed`.

        Each weight has a generator of its own, seeded by (seed, its name): models of different vocabularies begin with
        the same Transformer blocks, and torch's global generator is not touched.
        """
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, config.norm_epsilon)
        self.head = None if config.tied else nn.Linear(config.width, vocab_size, bias=False)
        self._initialise(seed)

    @torch.no_grad()
    def _initialise(self, seed: int) -> None:
        """Normal weights: 0.02 for tables over the vocabulary, 1/sqrt(fan-in) for others, less towards the residual."""
        for name, weight in self.named_parameters():
            if weight.ndim < 2:
                weight.fill_(1.0)
                continue
            std = EMBEDDING_STD if name.startswith(("embedding", "head")) else weight.shape[1] ** -0.5
            if name.endswith("outputs.weight"):
                std /= (2 * self.config.layers) ** 0.5
            generator = torch.Generator().manual_seed(xxhash.xxh3_64_intdigest(name.encode(), seed) >> 1)
            weight.normal_(0.0, std, generator=generator)

    @property
    def output_weight(self) -> torch.Tensor:
        """The output layer, float[V, D]: the embedding table where the two are tied."""
        return self.embedding.weight if self.head is None else self.head.weight

    def hidden(self, tokens: torch.Tensor, causal: bool, padding: torch.Tensor | None = None) -> torch.Tensor:
        """Return the normalised state at each position; float[B, T, D].

        Args:
            tokens: int64[B, T]
            causal: whether a position attends to positions up to itself alone.
            padding: bool[B, T], True at positions that no other position may attend to. Padding to the right needs
                none when `causal`.
        """
        rotation = rotary_angles(tokens.shape[1], self.config, tokens.device)
        mask = None if padding is None else attention_mask(padding, causal)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, rotation, causal, mask)
        return self.norm(x)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the scores of all ids; float[…, V] for float[…, D]."""
        return functional.linear(hidden, self.output_weight)

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor, causal: bool) -> torch.Tensor:
        """Return the training loss in nats, summed over the predicted positions; float32 scalar.

        Args:
            inputs: int64[B, T]
            targets: int64[B, T]. Where not `causal`, IGNORED marks positions that are not predicted; a causal batch
                predicts all.
            causal: see `hidden`.
        """
        states = self.hidden(inputs, causal).flatten(0, 1)
        targets = targets.flatten()
        if not causal:
            predicted = targets != IGNORED
            states, targets = states[predicted], targets[predicted]
        return summed_cross_entropy(states, self.output_weight, targets)

    @property
    def parameter_count(self) -> int:
        """Number of trained weights; tied ones count once."""
        return sum(weight.numel() for weight in self.parameters())

    def training_flops(self, sequence_length: int, predicted: float = 1.0) -> float:
        """Return the floating-point operations of training on one token, forward and backward.

        A multiply-add is two, the backward pass twice the forward pass; attention counts all pairs of positions, as
        Chowdhery et al. 2022 (PaLM, appendix B) do. Embedding look-ups are free, and the output layer runs for the
        share `predicted` of the positions.
        """
        blocks = sum(weight.numel() for weight in self.blocks.parameters() if weight.ndim == 2)
        attention = 2 * self.config.layers * sequence_length * self.config.width
        return 6.0 * (blocks + attention + predicted * self.output_weight.numel())


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, causal: bool
) -> torch.Tensor:
    """Return softmax(query key^T / sqrt(channels)) value, for float[B, H, T, D / H] each.

    On a CPU always in float32: torch's kernel there takes three times as long in bfloat16.
    """
    device = query.device.type
    if device == "cpu" and torch.is_autocast_enabled(device):
        with torch.autocast(device, enabled=False):
            return attend(query.float(), key.float(), value.float(), mask, causal)
    return functional.scaled_dot_product_attention(query, key, value, mask, is_causal=causal)


def rotary_angles(length: int, config: ModelConfig, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosine and sine of each position's angles; float32[T, D / H / 2] each."""
    half = config.width // config.heads // 2
    frequencies = config.rope_base ** (-torch.arange(half, dtype=torch.float32, device=device) / half)
    angles = torch.arange(length, dtype=torch.float32, device=device)[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Turn channel i with channel i + half by the position's angle; float[…, T, D / H]."""
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
    return turned.to(x.dtype)


def attention_mask(padding: torch.Tensor, causal: bool) -> torch.Tensor:
    """Return where attention is allowed, bool[B, 1, T, T]: not to padding, but always to oneself (no empty softmax)."""
    T = padding.shape[1]
    allowed = ~padding[:, None, None, :].expand(-1, 1, T, T)
    if causal:
        allowed = allowed & torch.ones(T, T, dtype=torch.bool, device=padding.device).tril()
    return allowed | torch.eye(T, dtype=torch.bool, device=padding.device)
