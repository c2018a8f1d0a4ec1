"""Lossless WordPiece: longest match first over the byte alphabet."""

from typing import Any

from corpuskit.tokenization.bytelevel import MIN_FREQUENCY, ByteLevelTokenizer, byte_alphabet
from corpuskit.tokenization.reserved import RESERVED_NAMES, UNK

LONGEST_WORD = 64
"""Bytes after which a word is cut and the rest taken for a new one: matching costs the square of a word's length."""


class WordPieceTokenizer(ByteLevelTokenizer):
    """WordPiece (Schuster and Nakajima 2012; Devlin et al. 2019) that keeps case, spaces and every byte.

    Words are those of GPT-2's pattern and hold their leading space. U+2060, which is outside the byte alphabet, marks
    a token inside a word. Every byte is a token in both forms, so nothing is ever unknown.
    """

    type = "wordpiece"
    prefix = "\u2060"

    @classmethod
    def _untrained(cls, vocab_size: int) -> tuple[Any, Any]:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        model = models.WordPiece(
            unk_token=RESERVED_NAMES[UNK], max_input_chars_per_word=LONGEST_WORD, continuing_subword_prefix=cls.prefix
        )
        untrained = Tokenizer(model)
        untrained.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.FixedLength(LONGEST_WORD)]
        )
        untrained.decoder = decoders.Sequence([decoders.Replace(cls.prefix, ""), decoders.Fuse(), decoders.ByteLevel()])
        # The trainer numbers marked bytes in the order of a hash map and breaks ties by number, so that every run gives
        # another vocabulary; named here, they are numbered before it starts.
        marked = [cls.prefix + character for character in byte_alphabet()]
        trainer = trainers.WordPieceTrainer(
            vocab_size=vocab_size,
            min_frequency=MIN_FREQUENCY,
            special_tokens=[*RESERVED_NAMES, *marked],
            initial_alphabet=byte_alphabet(),
            continuing_subword_prefix=cls.prefix,
            show_progress=False,
        )
        return untrained, trainer
