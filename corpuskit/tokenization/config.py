"""The recipe fields of one tokenizer."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corpuskit.config import Bytes, Config
from corpuskit.tokenization.counts import CountsConfig, Normalization
from corpuskit.tokenization.reserved import RESERVED

TokenizerType = Literal["bpe", "wordpiece", "unigram"]
SMALLEST: dict[TokenizerType, tuple[int, str]] = {
    "bpe": (RESERVED + 256, "128 reserved ids and 256 bytes"),
    "wordpiece": (RESERVED + 512, "128 reserved ids and 256 bytes, each at the start of a word and inside one"),
    "unigram": (RESERVED + 256 + 128, "128 reserved ids, 256 bytes and room for 128 pieces"),
}
"""The smallest vocabulary of each type, and what fills it."""
PIECE_FORMS = ("none", "nfkc", "nmt_nfkc")
"""What SentencePiece can do to texts before."""
LARGEST = 1 << 24
WORDS: dict[TokenizerType, str] = {"bpe": "gpt2", "wordpiece": "gpt2", "unigram": "metaspace_runs"}
"""What a word is where nothing is said."""
OPTIONS: dict[str, tuple[TokenizerType, ...]] = {
    "order": ("bpe",),
    "score": ("wordpiece",),
    "symbols": ("bpe", "wordpiece"),
    "min_pair_count": ("bpe", "wordpiece"),
    "coverage": ("unigram",),
    "longest_piece": ("unigram",),
    "seed_tokens": ("bpe",),
    "protected": ("bpe",),
    "extend": ("bpe",),
}
"""Fields that belong to some types alone."""


class BalanceConfig(Config):
    """How much each language or source weighs, whatever there is of it."""

    by: Literal["language", "source"] = "language"
    """What is weighed; languages are those that the signal `language.label` names."""
    temperature: float = Field(default=0.3, ge=0, le=1)
    """Shares become proportional to words**temperature: 1 leaves them as they are, 0 makes all equal (Conneau et al.
    2020: 0.3)."""
    caps: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    """The largest share of some of them."""


class TokenizerConfig(Config):
    """One tokenizer to train."""

    type: TokenizerType
    """Byte-level BPE, WordPiece over bytes, or Unigram with byte fallback; all lossless."""
    vocab_size: Annotated[int, Field(le=LARGEST)]
    """Ids asked for, the 128 reserved ones included; a small corpus may give fewer."""
    pretokenizer: str | None = None
    """What a word is, which no token crosses: `gpt2` (default of `bpe` and `wordpiece`), `gpt4`, `llama3`, `o200k`,
    `bert`, `metaspace`, `metaspace_runs` (default of `unigram`), or `regex:` and an expression."""
    normalization: Normalization = "none"
    """What is done to texts before: `none`, `nfc`, `nfkc`, `nmt_nfkc` or `lower`; all but `none` lose something."""
    order: Literal["hf", "bytes", "sentencepiece"] = "hf"
    """Which of the pairs that occur equally often is merged first (`bpe`): as `tokenizers`, as rustbpe and gigatoken
    over raw bytes, or as SentencePiece, whose tokens are made of characters and kept in a `.model`."""
    score: Literal["hf", "likelihood"] = "hf"
    """Which pair is merged next (`wordpiece`): the commonest, or the one of the highest likelihood ratio."""
    symbols: Literal["bytes", "characters"] | None = None
    """What tokens are made of: bytes, or characters, as BERT's and SentencePiece's are; by default bytes, but for
    `order: sentencepiece`."""
    min_pair_count: int = Field(default=2, ge=1)
    """Pairs seen less often are not merged: a token that occurs once teaches a model nothing."""
    coverage: float = Field(default=0.9995, gt=0, le=1)
    """Share of the text whose characters become pieces (`unigram`); the rest is encoded as bytes."""
    longest_piece: int = Field(default=16, ge=1, le=254)
    """Characters of a piece (`unigram`)."""
    seed_tokens: tuple[str, ...] = ()
    """Tokens to be had in any case, by merges that come before all others (`bpe`)."""
    protected: tuple[str, ...] = ()
    """Texts that are always one token and no part of another (`bpe`)."""
    extend: str | None = None
    """Folder of a tokenizer whose ids and merges stay, and that this one goes on from (`bpe`)."""
    balance: BalanceConfig | None = None
    """Weigh languages or sources against each other; null: each word counts as often as it occurs."""
    min_count: int = Field(default=1, ge=1)
    """Words that occur less often are left out; how many those are is told."""
    train_on: str | None = None
    """Name of the variant whose training documents it is trained on; the first variant of the recipe by default."""
    max_train_bytes: Annotated[Bytes, Field(gt=0)] | None = 10_000_000_000
    """Train on at most this much UTF-8 text, a sample of documents; null: all there is. Training itself costs what the
    unique words do, however often they occur."""
    seed: int = 0
    """Which documents are trained on where there are more than `max_train_bytes`: another seed, another sample."""

    @model_validator(mode="after")
    def _check(self) -> "TokenizerConfig":
        least, filling = SMALLEST[self.type]
        if self.vocab_size < least:
            raise ValueError(f"vocab_size {self.vocab_size} is too small for {self.type}: {filling} take {least}")
        for name, types in OPTIONS.items():
            if self.type not in types and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"`{name}` is for {' and '.join(types)}, not for {self.type}")
        self._check_words()
        _ = self.counting
        return self

    def _check_words(self) -> None:
        spaced = self.words in ("metaspace", "metaspace_runs")
        pieces = self.type == "unigram" or (self.characters and self.type == "bpe")
        if pieces and not spaced:
            raise ValueError(
                f"words of SentencePiece's models begin with their space: metaspace or metaspace_runs, not {self.words}"
            )
        if self.characters and self.type == "wordpiece" and self.words != "bert":
            raise ValueError(f"a WordPiece over characters is BERT's, whose words are those of bert, not {self.words}")
        if not self.characters and self.words == "bert":
            raise ValueError("words of bert leave out white space: they are for `wordpiece` with `symbols: characters`")
        if pieces and self.normalization not in PIECE_FORMS:
            raise ValueError(
                f"SentencePiece has no normal form {self.normalization!r}; it has {', '.join(PIECE_FORMS)}"
            )
        if self.normalization == "nmt_nfkc" and not pieces:
            raise ValueError("nmt_nfkc is SentencePiece's: for `unigram`, or `bpe` with `order: sentencepiece`")

    @property
    def characters(self) -> bool:
        """Whether tokens are made of characters (`bpe`, `wordpiece`)."""
        return self.symbols == "characters" or (self.symbols is None and self.order == "sentencepiece")

    @property
    def words(self) -> str:
        """What a word is."""
        if self.pretokenizer is not None or not self.characters:
            return self.pretokenizer or WORDS[self.type]
        return "bert" if self.type == "wordpiece" else "metaspace"

    @property
    def counting(self) -> CountsConfig:
        """How its words are counted."""
        return CountsConfig(
            pretokenizer=self.words,
            normalization=self.normalization,
            groups=self.balance.by if self.balance else "none",
            max_bytes=self.max_train_bytes,
            seed=self.seed,
            min_count=self.min_count,
        )

    def training(self) -> dict[str, Any]:
        """Return what decides the tokenizer beside the counts."""
        counted = {"train_on", "max_train_bytes", "seed", "min_count"}
        return {name: value for name, value in self.plain().items() if name not in counted}
