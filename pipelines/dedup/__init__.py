"""Signatures to clusters of duplicates, and to the nearest documents of other corpora; the shuffle goes through files.

scatter    split      -> its hashes and band keys, by partition
match      partition  -> equal hashes are edges; documents that share a band are pairs, by the split of the first
attach     split      -> its pairs, each once, with what the first is compared by, by the split of the second
verify     split      -> the pairs that are similar are edges
cluster    all        -> connected components: the only process that sees all rows, 5 bytes for each
gather     split      -> its members of clusters with their keys and signatures, by cluster
describe   partition  -> each cluster's name, its members' similarity; those that are too large are split
write      split      -> the sidecar
"""

from pipelines.dedup.step import REVISION, SCHEMA, step, target, url_target

__all__ = ["REVISION", "SCHEMA", "step", "target", "url_target"]
