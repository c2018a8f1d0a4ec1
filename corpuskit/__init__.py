"""From raw text to a decision: which tokenizer and which data choice gives the better model downstream?

    raw text -> documents -> signals ----> variants -> tokenizers -> token shards -> pretraining -> comparison
                     |         (numbers)      ^ (row selections)                       runs           report
                     +-----> duplicates ------+
                               (clusters)

`corpuskit.open(path)` opens what a run made: a corpus, token shards, documents. `import corpuskit` loads the standard
library only; the public names load when they are first used.
"""

from importlib import import_module
from typing import Any

PUBLIC = {
    "Corpus": ("corpuskit.corpus", "Corpus"),
    "CorpuskitError": ("corpuskit.errors", "CorpuskitError"),
    "Shards": ("corpuskit.shards", "Shards"),
    "Texts": ("corpuskit.kernels", "Texts"),
    "compute_signals": ("corpuskit.signals", "compute"),
    "load_recipe": ("corpuskit.recipe", "load"),
    "load_tokenizer": ("corpuskit.tokenization", "load"),
    "open": ("corpuskit.corpus", "open_artifact"),
    "read_documents": ("corpuskit.documents", "read_documents"),
}
"""Public name -> (module, name there)."""

__all__ = sorted(PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'corpuskit' has no attribute {name!r}")
    module, attribute = PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(PUBLIC)
