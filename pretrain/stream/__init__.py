"""Rows of tokens in a seeded order, by random access."""

from pretrain.stream.plan import EpochPlan, Framing, Source, Spans, permutation
from pretrain.stream.tokens import TokenStream

__all__ = ["EpochPlan", "Framing", "Source", "Spans", "TokenStream", "permutation"]
