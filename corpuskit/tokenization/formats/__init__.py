"""Tokenizer files of other programs."""
