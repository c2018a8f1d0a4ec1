"""Duplicates: how they are found, and which copy stays."""

from corpuskit.dedup.banding import collision_probability, optimal_bands
from corpuskit.dedup.choice import choose
from corpuskit.dedup.config import DedupConfig, ReferenceName
from corpuskit.dedup.edges import Clusters, starts_of_runs
from corpuskit.dedup.signatures import Signed, band_keys, shingles, sign, sign_urls, similarity, sketches
from corpuskit.dedup.splitting import split

__all__ = [
    "Clusters",
    "DedupConfig",
    "ReferenceName",
    "Signed",
    "band_keys",
    "choose",
    "collision_probability",
    "optimal_bands",
    "shingles",
    "sign",
    "sign_urls",
    "similarity",
    "sketches",
    "split",
    "starts_of_runs",
]
