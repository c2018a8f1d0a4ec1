"""Run, compare, demo: composes the steps of pipelines and pretrain.

The only part of corpuskit, with `cli`, that imports Beam and torch, and only inside functions.
"""
