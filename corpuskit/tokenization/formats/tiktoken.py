"""Ranks of tiktoken: one token a line, its bytes in base64 and its rank."""

import base64
import binascii
import itertools
from collections.abc import Mapping, Sequence

from corpuskit.errors import ArtifactError


def write(ranks: Mapping[bytes, int]) -> bytes:
    """Return the file of some ranks, smallest first."""
    ordered = sorted(ranks.items(), key=lambda item: item[1])
    return b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in ordered)


def read(data: bytes) -> dict[bytes, int]:
    """Return the rank of each token of a file.

    Raises:
        ArtifactError: a line is no token with its rank, a token or a rank comes twice, or a byte is missing.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line:
            continue
        try:
            text, rank = line.split()
            token, place = base64.b64decode(text, validate=True), int(rank)
        except (ValueError, binascii.Error) as error:
            raise ArtifactError(f"line {number}: expected a token in base64 and its rank, given {line!r}") from error
        if token in ranks:
            raise ArtifactError(f"line {number}: the token {token!r} is there twice")
        ranks[token] = place
    if len(set(ranks.values())) < len(ranks):
        raise ArtifactError("two tokens have the same rank")
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing:
        raise ArtifactError(f"no token for the byte {missing[0]:#04x}, and {len(missing) - 1} others")
    return ranks


def merges(ranks: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Return the two parts that each longer token is merged from, smallest rank first.

    They are what byte-pair encoding with the smaller ranks makes of the token.

    Raises:
        ArtifactError: a token is not the sum of two others, so no list of merges says the same.
    """
    found = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) == 1:
            continue
        parts = _encode(token, ranks, rank)
        if len(parts) != 2:
            raise ArtifactError(f"the token {token!r} of rank {rank} is no pair of tokens of smaller rank: {parts}")
        found.append((parts[0], parts[1]))
    return found


def _encode(token: bytes, ranks: Mapping[bytes, int], below: int) -> Sequence[bytes]:
    """Merge a token's bytes by ranks smaller than its own."""
    parts = [token[place : place + 1] for place in range(len(token))]
    while len(parts) > 1:
        pairs = [ranks.get(left + right, below) for left, right in itertools.pairwise(parts)]
        best = min(pairs)
        if best >= below:
            break
        place = pairs.index(best)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts
