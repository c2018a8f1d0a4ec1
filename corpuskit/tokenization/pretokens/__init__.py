"""Text to words before tokens: the pre-tokenizers by name.

Merges never cross words, and a trainer sees only words and their counts. Each kernel's module says exactly what its
words are; all but those of `bert` tile a text.
"""

from collections.abc import Callable

from corpuskit.errors import InputError, nearest
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.tokenization.patterns import OWN, PATTERNS
from corpuskit.tokenization.pretokens.bert import scan_bert
from corpuskit.tokenization.pretokens.gpt import scan_gpt2, scan_gpt4
from corpuskit.tokenization.pretokens.o200k import scan_o200k
from corpuskit.tokenization.pretokens.patterns import check_pattern, scan_pattern
from corpuskit.tokenization.pretokens.spaces import scan_metaspace, scan_metaspace_runs

__all__ = ["OWN", "PATTERNS", "PRETOKENIZERS", "check_pretokenizer", "pretokenize"]

PRETOKENIZERS: dict[str, Callable[[Texts], Spans]] = {
    "gpt2": scan_gpt2,
    "gpt4": scan_gpt4,
    "llama3": scan_gpt4,
    "o200k": scan_o200k,
    "bert": scan_bert,
    "metaspace": scan_metaspace,
    "metaspace_runs": scan_metaspace_runs,
}
"""How each pre-tokenizer finds words; `llama3` finds those of `gpt4`."""


def check_pretokenizer(name: str) -> None:
    """Check that a pre-tokenizer can be run.

    Raises:
        InputError: no pre-tokenizer has that name, or the expression after OWN is not one.
    """
    if name.startswith(OWN):
        check_pattern(name.removeprefix(OWN))
    elif name not in PRETOKENIZERS:
        raise InputError(f"no pre-tokenizer is called {name!r}{nearest(name, [*PRETOKENIZERS, OWN + '<expression>'])}")


def pretokenize(texts: Texts, name: str) -> Spans:
    """Return the words of each document, in text order.

    Args:
        texts: UTF-8, as Arrow columns hold it.
        name: one of PRETOKENIZERS, or OWN and a regular expression.

    Raises:
        InputError: as `check_pretokenizer`.
    """
    check_pretokenizer(name)
    if name.startswith(OWN):
        return scan_pattern(texts, name.removeprefix(OWN))
    return PRETOKENIZERS[name](texts)
