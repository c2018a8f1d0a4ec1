"""One small modern Transformer, causal or bidirectional."""

from pretrain.model.head import summed_cross_entropy, token_losses
from pretrain.model.transformer import Transformer

__all__ = ["Transformer", "summed_cross_entropy", "token_losses"]
