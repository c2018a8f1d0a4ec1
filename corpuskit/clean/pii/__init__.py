"""Personal data and secrets in texts: what is found becomes a placeholder, the same wherever it stands.

A kernel finds where something may begin; the few texts that hold such a place are matched there, from left to right,
each place against the kinds in the order of KINDS. What overlaps an earlier match is no match of its own, and a masked
text is searched again until nothing is found, so that masking twice changes nothing.

Placeholders are written as in StarCoder's training data (Li et al. 2023, arXiv 2305.06161), `<EMAIL>` and so on: they
depend on nothing but the kind, and nobody can take them for data. Fake data instead, as datatrove's, puts a few
addresses everywhere. The kinds are found as `corpuskit.clean.pii.patterns` says.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, get_args

import numpy as np
import pyarrow as pa
from pydantic import Field

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.pii.candidates import KIND_BITS, find_candidates
from corpuskit.clean.pii.patterns import MATCHERS, NOWHERE
from corpuskit.config import Config
from corpuskit.kernels import Texts
from corpuskit.kernels.columns import replace_rows

Kind = Literal["private_key", "api_token", "email", "ip_address", "credit_card", "phone"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order of the numbers that `candidates` gives them."""
PLACEHOLDERS = (b"<PRIVATE_KEY>", b"<API_TOKEN>", b"<EMAIL>", b"<IP_ADDRESS>", b"<CREDIT_CARD>", b"<PHONE>")
COUNTS = ("private_keys", "api_tokens", "emails", "ip_addresses", "credit_cards", "phone_numbers")

Match = tuple[int, int, int]
"""First byte, byte after the last, number of the kind."""


class PiiConfig(Config):
    """What is masked."""

    step: Literal["pii"] = "pii"
    """The cleaner's name."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = KINDS
    """Which kinds of personal data and secrets are masked."""


def find(text: bytes, candidates: Iterable[tuple[int, int]]) -> Iterator[Match]:
    """Yield what matches at candidates, from left to right, without overlap.

    Args:
        text: UTF-8.
        candidates: (byte offset in the text, number of the kind), sorted.
    """
    seen = bytearray(text)  # with placeholders cut or filled to the length of matches: what stands behind them counts
    end = 0
    for position, kind in candidates:
        if position >= end:
            after = MATCHERS[kind](seen, position)
            if after != NOWHERE:
                yield position, after, kind
                end = after
                seen[position:end] = PLACEHOLDERS[kind][position - end :].rjust(end - position, b">")


def mask(text: bytes, matches: Iterable[Match]) -> bytes:
    """Return the text with each match replaced by the placeholder of its kind."""
    pieces: list[bytes] = []
    done = 0
    for start, end, kind in matches:
        pieces += (text[done:start], PLACEHOLDERS[kind])
        done = end
    return b"".join([*pieces, text[done:]])


def _candidates(batch: Texts, kinds: list[int]) -> Iterator[tuple[int, bytes, Iterable[tuple[int, int]]]]:
    """Yield (row, its text, its candidates as `find` takes them) for each row that has any."""
    found = find_candidates(batch)
    numbers = found & (1 << KIND_BITS) - 1
    wanted = np.isin(numbers, kinds)
    positions, numbers = found[wanted] >> KIND_BITS, numbers[wanted]
    owners = np.searchsorted(batch.offsets, positions, "right") - 1
    rows, firsts, sizes = np.unique(owners, return_index=True, return_counts=True)
    for row, first, last in zip(rows.tolist(), firsts.tolist(), (firsts + sizes).tolist(), strict=True):
        start, stop = batch.offsets[row : row + 2].tolist()
        places = (positions[first:last] - start).tolist()
        yield row, batch.data[start:stop].tobytes(), zip(places, numbers[first:last].tolist(), strict=True)


def _mask_once(texts: pa.Array, kinds: list[int]) -> tuple[np.ndarray, pa.Array, np.ndarray]:
    """Return the rows where something was found, int64[m], their new texts, and counts int32[6, m]."""
    masked: dict[int, bytes] = {}
    counts = []
    for row, text, candidates in _candidates(Texts.from_arrow(texts), kinds):
        matches = list(find(text, candidates))
        if matches:
            masked[row] = mask(text, matches)
            counts.append(np.bincount([kind for *_, kind in matches], minlength=len(KINDS)))
    values = pa.array(masked.values(), pa.large_binary()).cast(pa.large_string())
    return np.array(list(masked), np.int64), values, np.array(counts, np.int32).reshape(-1, len(KINDS)).T


def clean(texts: pa.Array, config: PiiConfig) -> Cleaned:
    """Mask personal data and secrets, as the module's docstring says.

    Args:
        texts: large_string[n], without nulls.
        config: which kinds are masked; the counts of the others are 0.
    """
    kinds = [KINDS.index(kind) for kind in config.kinds]
    counts = np.zeros((len(KINDS), len(texts)), np.int32)
    rows, pending = np.arange(len(texts)), texts
    while len(rows):
        changed, pending, found = _mask_once(pending, kinds)
        rows = rows[changed]
        counts[:, rows] += found
        texts = replace_rows(texts, rows, pending)
    return Cleaned(texts, dict(zip(COUNTS, counts, strict=True)))


PII = Cleaner(
    name="pii",
    revision=1,
    source="its own: corpuskit.clean.pii.patterns cites the standards and vendors whose formats it follows",
    config=PiiConfig,
    counts={
        "emails": "e-mail addresses masked",
        "ip_addresses": "public IPv4 and IPv6 addresses masked",
        "phone_numbers": "telephone numbers masked",
        "credit_cards": "credit card numbers masked",
        "private_keys": "private keys masked",
        "api_tokens": "API tokens masked",
    },
    clean=clean,
)
