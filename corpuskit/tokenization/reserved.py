"""Ids 0 to 127: special tokens, the same in every tokenizer, which no text produces.

Shards hold none of them; the training stream adds those that its objective needs. The brackets of their names, U+27E8
and U+27E9, are outside the byte alphabet of BPE and WordPiece, and to SentencePiece the names are control symbols.
"""

RESERVED = 128
"""Number of reserved ids; the first id that text can give."""
PAD, UNK, BOS, EOS, CLS, SEP, MASK = range(7)
SENTINELS = range(7, 107)
"""Ids that stand for removed spans in span corruption."""
RESERVED_NAMES: tuple[str, ...] = (
    *(f"⟨{name}⟩" for name in ("pad", "unk", "bos", "eos", "cls", "sep", "mask")),
    *(f"⟨sentinel_{index}⟩" for index in range(len(SENTINELS))),
    *(f"⟨spare_{index}⟩" for index in range(RESERVED - SENTINELS.stop)),
)
"""The name of each reserved id, in id order."""
