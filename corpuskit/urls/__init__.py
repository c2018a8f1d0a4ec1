"""URLs: normal form, host, registered domain, and lists of hosts, pages and words.

`normalize_urls` gives equal texts for URLs of one page. `Urls` gives the hosts of a column, `registered_domains` their
domains; `HostLists` says which list has a host or a page; `Words` and `Strings` count words of lists in URLs.
"""

from corpuskit.urls.columns import Urls, normalize_urls
from corpuskit.urls.domains import registered_domains
from corpuskit.urls.lists import HostLists, list_files, read_lists
from corpuskit.urls.scanning import NONE
from corpuskit.urls.words import Strings, Words, fold, read_words

__all__ = [
    "LIBRARIES",
    "NONE",
    "REVISION",
    "HostLists",
    "Strings",
    "Urls",
    "Words",
    "fold",
    "list_files",
    "normalize_urls",
    "read_lists",
    "read_words",
    "registered_domains",
]

REVISION = 1
"""Raised whenever the normal form of a URL may change."""
LIBRARIES = ("idna",)
"""Distributions that decide normal forms."""
