"""A vocabulary before training: reserved ids, alphabet, protected tokens, seeds and merges that are given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from corpuskit.errors import InputError
from corpuskit.tokenization.training.symbols import Alphabet

BYTES = 256


@dataclass(eq=False)
class Draft:
    """Tokens so far, and the merges that are done before any is learnt.

    Attributes:
        tokens: bytes of each id, empty for reserved ones.
        alphabet: the symbols and their ids.
        reserved: number of reserved ids, the first ones.
        byte_fallback: whether the 256 ids behind them are bytes that no merge begins with.
        merges: left id, right id and the id made, in order.
        protected: ids of protected tokens.
    """

    tokens: list[bytes]
    alphabet: Alphabet
    reserved: int
    byte_fallback: bool
    merges: list[tuple[int, int, int]] = field(default_factory=list)
    protected: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ranks = {merge[:2]: rank for rank, merge in reversed(list(enumerate(self.merges)))}
        self._ids = {token: index for index, token in reversed(list(enumerate(self.tokens))) if self._spelled(index)}

    def _spelled(self, index: int) -> bool:
        return index >= self.reserved + BYTES * self.byte_fallback

    def known(self) -> dict[bytes, int]:
        """Return the id of each token that merges could spell."""
        return dict(self._ids)

    def protect(self, protected: Sequence[bytes]) -> None:
        """Give protected tokens ids, if they have none."""
        for token in protected:
            index = self._id(token)
            if index not in self.protected:
                self.protected.append(index)

    def seed(self, token: bytes) -> None:
        """Make sure that a token can be made by merges: join its parts from the left.

        Raises:
            InputError: it is empty, or has a symbol that is not in the alphabet.
        """
        symbols = self.alphabet.ids_of(token)
        if not symbols:
            raise InputError(f"the seed token {token!r} has no symbols, or one that is not in the alphabet")
        left, *others = self._segment(symbols)
        for right in others:
            merged = self._id(self.tokens[left] + self.tokens[right])
            self._ranks[left, right] = len(self.merges)
            self.merges.append((left, right, merged))
            left = merged

    def _id(self, token: bytes) -> int:
        """Return the id of a token, a new one if it has none."""
        if token not in self._ids:
            self._ids[token] = len(self.tokens)
            self.tokens.append(token)
        return self._ids[token]

    def _segment(self, ids: list[int]) -> list[int]:
        """Apply the merges to one text, the first merge first."""
        while True:
            none = len(self.merges)
            rank = min((self._ranks.get(pair, none) for pair in pairwise(ids)), default=none)
            if rank == none:
                return ids
            left, right, merged = self.merges[rank]
            joined: list[int] = []
            for one in ids:
                if joined and joined[-1] == left and one == right:
                    joined[-1] = merged
                else:
                    joined.append(one)
            ids = joined

    def describe(self) -> str:
        """Say what the ids are, for an error."""
        parts = {
            "reserved ids": self.reserved,
            "bytes": BYTES if self.byte_fallback else 0 if self.alphabet.characters else len(self.alphabet),
            "characters": len(self.alphabet) if self.alphabet.characters else 0,
            "protected tokens": len(self.protected),
        }
        others = len(self.tokens) - sum(parts.values())
        named = [f"{count:,} {name}" for name, count in {**parts, "given tokens": max(others, 0)}.items() if count]
        return f"{', '.join(named)} take {len(self.tokens):,}"
