"""The registered domain of a host: the part that somebody pays for, such as `bbc.co.uk`."""

import functools
from typing import Any

import pyarrow as pa

from corpuskit.errors import MissingExtra


@functools.cache
def _public_suffixes() -> Any:
    """Return the reader of the public suffix list in tldextract's package: no network, no cache on disk; 25 ms."""
    try:
        import tldextract
    except ImportError:
        raise MissingExtra("tldextract", "web", "finding registered domains") from None
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())


def registered_domains(hosts: pa.Array) -> pa.Array:
    """Return the registered domain of each host, by the public suffix list without its private part.

    So `a.b.co.uk` gives `b.co.uk`, and every blog of a hosting company gives the company's domain. The cost is 3 us a
    host: pass the distinct ones.

    Args:
        hosts: large_string[n], as `Urls.hosts` gives them.

    Returns:
        large_string[n]; null for null, IP addresses, public suffixes themselves and hosts under none.

    Raises:
        MissingExtra: tldextract is not installed.
    """
    extract = _public_suffixes().extract_str
    domains = (host and extract(host).top_domain_under_public_suffix for host in hosts.to_pylist())
    return pa.array([domain or None for domain in domains], pa.large_string())
