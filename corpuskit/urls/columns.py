"""Columns of URLs: their hosts and normal forms, mostly by kernels."""

import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.kernels import Texts, gather_spans
from corpuskit.kernels.columns import as_arrow
from corpuskit.urls.address import Address, parse
from corpuskit.urls.scanning import scan_plain


class Urls:
    """A batch of n URLs; those that are not plain (`scan_plain`), one in seven on the web, go through Python.

    An empty text, as of a document without URL, has neither host nor normal form.
    """

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self._plain = scan_plain(texts.data, texts.offsets)
        self._odd = self._plain[:, 0] < 0

    @functools.cached_property
    def _addresses(self) -> list[Address | None]:
        """The URLs that are not plain, in their order."""
        data, offsets = self.texts.data, self.texts.offsets
        rows = np.flatnonzero(self._odd)
        urls = (data[offsets[row] : offsets[row + 1]].tobytes().decode() for row in rows)
        return [parse(url) if url else None for url in urls]

    @functools.cached_property
    def hosts(self) -> pa.Array:
        """Host names in lower case and ASCII, with `www.`, without port; large_string[n], null where there is none."""
        return self._with_odd(self._strings(0, 2), [address and address.host for address in self._addresses])

    @functools.cached_property
    def normal(self) -> pa.Array:
        """The normal forms (`corpuskit.urls.address`); large_string[n], null for what is no URL."""
        plain = pc.binary_join_element_wise(_large("https://"), self._strings(1, 3), _large(""))
        return self._with_odd(plain, [address and address.normal for address in self._addresses])

    def _strings(self, first: int, last: int) -> pa.Array:
        data, offsets = gather_spans(self.texts.data, self._plain[:, first].clip(0), self._plain[:, last].clip(0))
        return as_arrow(data, offsets)

    def _with_odd(self, strings: pa.Array, odd: list[str | None]) -> pa.Array:
        return pc.replace_with_mask(strings, pa.array(self._odd), pa.array(odd, pa.large_string()))


def _large(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def normalize_urls(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the normal forms of URLs: equal for URLs of one page, and their own normal form.

    Args:
        urls: string or large_string[n].

    Returns:
        large_string[n]; null for null, for empty texts and for what is no URL with a host. `corpuskit.urls.address`
        gives the rules and their sources.

    Raises:
        MissingExtra: a host has characters beyond ASCII and `idna` is not installed.
    """
    return Urls(Texts.from_arrow(urls)).normal
