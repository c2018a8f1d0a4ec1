"""How likely a model finds each sentence.

Causal models: the sum of log p(token | tokens before it), `bos` in front. Masked models: the pseudo-log-likelihood,
the sum of log p(token | all other tokens) with one token masked at a time (Salazar et al. 2020, arXiv:1910.14659).
"""

import numpy as np
import torch

from corpuskit.tokenization import MASK
from pretrain.downstream.texts import Batch, Encoder, Sequences, chunks, encode, frame
from pretrain.model import Transformer, token_losses
from pretrain.objectives import Objective


@torch.inference_mode()
def prefers_good(
    model: Transformer, tokenizer: Encoder, objective: Objective, pairs: list[tuple[str, str]], limit: int
) -> np.ndarray:
    """Return float32[len(pairs)]: 1 where the good sentence is the more likely one, 0.5 for a tie, else 0.

    Each distinct token sequence is scored once, so sentences that a lossy tokenizer cannot tell apart tie exactly.

    Args:
        model: in evaluation mode.
        tokenizer: the model's tokenizer.
        objective: how the model was pretrained.
        pairs: (good, bad) sentences.
        limit: tokens of a batch.
    """
    device = next(model.parameters()).device
    sentences = encode(tokenizer, [sentence for pair in pairs for sentence in pair], objective, device)
    numbers: dict[bytes, int] = {}
    place = [numbers.setdefault(ids.tobytes(), len(numbers)) for ids in sentences.ids]
    distinct = Sequences([np.frombuffer(ids, np.int64) for ids in numbers], device)
    if objective.causal:
        scores = causal_scores(model, distinct, limit)
    else:
        scores = masked_scores(model, distinct, tuple(map(len, frame(objective))), limit)
    good, bad = scores[place].reshape(-1, 2).T
    return ((good > bad) + 0.5 * (good == bad)).astype(np.float32)


def causal_scores(model: Transformer, sequences: Sequences, limit: int) -> np.ndarray:
    """Return the log-likelihood in nats of each sequence after its first token; float64[n]."""
    scores = np.zeros(len(sequences))
    for batch in sequences.by_length(limit):
        scores[batch.rows] = _causal_batch(model, batch)
    return scores


def _causal_batch(model: Transformer, batch: Batch) -> np.ndarray:
    hidden = model.hidden(batch.tokens, causal=True, padding=None)[:, :-1]
    targets = batch.tokens[:, 1:]
    real = torch.arange(1, batch.tokens.shape[1], device=targets.device) < batch.lengths[:, None]
    # Only real positions reach the output layer, by far the largest product here.
    losses = token_losses(hidden[real], model.output_weight, targets[real])
    scores = torch.zeros(targets.shape, dtype=torch.float64, device=targets.device)
    scores[real] = -losses.double()
    return scores.sum(1).cpu().numpy()


def masked_scores(model: Transformer, sequences: Sequences, framing: tuple[int, ...], limit: int) -> np.ndarray:
    """Return the pseudo-log-likelihood in nats of each sequence's text tokens; float64[n].

    Args:
        model: in evaluation mode.
        sequences: the sentences.
        framing: numbers of special ids before and after each text; those are not scored.
        limit: tokens of a batch.
    """
    before, after = framing
    texts = sequences.lengths - before - after
    sequence = np.repeat(np.arange(len(sequences)), texts)
    position = np.arange(len(sequence)) - np.repeat(np.cumsum(texts) - texts, texts) + before
    scores = np.zeros(len(sequences))
    for rows in chunks(sequences.lengths[sequence], limit):
        np.add.at(scores, sequence[rows], _masked_batch(model, sequences.batch(sequence[rows]), position[rows]))
    return scores


def _masked_batch(model: Transformer, batch: Batch, position: np.ndarray) -> np.ndarray:
    rows = torch.arange(len(position), device=batch.tokens.device)
    at = torch.from_numpy(position).to(batch.tokens.device)
    targets = batch.tokens[rows, at]
    tokens = batch.tokens.clone()
    tokens[rows, at] = MASK
    hidden = model.hidden(tokens, causal=False, padding=batch.padding)[rows, at]
    return -token_losses(hidden, model.output_weight, targets).double().cpu().numpy()
