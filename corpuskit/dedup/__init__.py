"""Duplicates: how they are found, and which copy stays."""

from corpuskit.dedup.choice import REASONS, Choice, choose
from corpuskit.dedup.config import DedupConfig
from corpuskit.dedup.edges import clusters, star_edges
from corpuskit.dedup.signatures import Signed, band_keys, sign, sign_urls, similarity

__all__ = [
    "REASONS",
    "Choice",
    "DedupConfig",
    "Signed",
    "band_keys",
    "choose",
    "clusters",
    "sign",
    "sign_urls",
    "similarity",
    "star_edges",
]
