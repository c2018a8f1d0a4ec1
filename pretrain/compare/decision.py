"""From estimates to sentences: decided, or undecided and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from corpuskit.report import Verdict
from pretrain.compare.results import Difference, Estimate, Family, Metric
from pretrain.compare.statistics import MAX_SEEDS, Spread, holm, interval, items_needed, p_value, seeds_needed


@dataclass(frozen=True, kw_only=True)
class Standard:
    """The standard of proof of a comparison."""

    confidence: float = 0.95
    power: float = 0.8

    @property
    def percent(self) -> str:
        """The confidence as text, such as `95 %`."""
        return f"{100 * self.confidence:g} %"


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A difference to judge: `first` minus `second`."""

    first: str
    second: str
    spread: Spread


def estimate(spread: Spread, confidence: float) -> Estimate:
    """Return a mean with its interval."""
    bounds = interval(spread, confidence)
    return Estimate(
        mean=spread.mean,
        low=bounds[0] if bounds else None,
        high=bounds[1] if bounds else None,
        standard_error=spread.standard_error,
        seed_share=spread.seed_share,
        seeds=spread.seeds,
        items=spread.items,
    )


def judge(kind: str, contrasts: Sequence[Contrast], metric: Metric, standard: Standard) -> Family:
    """Judge contrasts that a reader sees together: Holm's correction over all of them, then a sentence for each."""
    corrected = holm([p_value(contrast.spread) for contrast in contrasts])
    differences = tuple(
        decide(contrast, p, len(contrasts), metric, standard) for contrast, p in zip(contrasts, corrected, strict=True)
    )
    decided = sum(difference.better is not None for difference in differences)
    verdict: Verdict = "undecided" if not decided else "decided" if decided == len(differences) else "partly"
    return Family(kind=kind, headline=_headline(differences), verdict=verdict, differences=differences)


def decide(contrast: Contrast, p_corrected: float, comparisons: int, metric: Metric, standard: Standard) -> Difference:
    """Judge one contrast, given its corrected p value and how many comparisons its family has.

    The seeds and items an open question needs are those for the family's strictest level, alpha / comparisons, so that
    they suffice whatever the other comparisons find.
    """
    spread = contrast.spread
    alpha = 1 - standard.confidence
    level = alpha / comparisons
    decided = p_corrected < alpha
    seeds = None if decided else seeds_needed(spread, level, standard.power)
    items = None if decided or seeds is not None else items_needed(spread, level, standard.power)
    found = estimate(spread, standard.confidence)
    lead = _Lead.of(contrast, found, metric, standard)
    return Difference(
        first=contrast.first,
        second=contrast.second,
        estimate=found,
        p=p_value(spread),
        p_corrected=p_corrected,
        better=lead.leader if decided else None,
        seeds_needed=seeds,
        items_needed=items,
        sentence=lead.decided if decided else lead.undecided(spread, comparisons, seeds, items),
    )


@dataclass(frozen=True, kw_only=True)
class _Lead:
    """A difference told from the side of whichever scores better: `size` and bounds are its advantage."""

    leader: str
    follower: str
    size: float
    low: float | None
    high: float | None
    metric: Metric
    percent: str

    @classmethod
    def of(cls, contrast: Contrast, found: Estimate, metric: Metric, standard: Standard) -> "_Lead":
        names = (contrast.first, contrast.second)
        low, high = found.low, found.high
        upward = found.mean >= 0
        if not upward and low is not None and high is not None:
            low, high = -high, -low
        leader, follower = names if upward == metric.higher_is_better or found.mean == 0 else names[::-1]
        return cls(
            leader=leader,
            follower=follower,
            size=abs(found.mean),
            low=low,
            high=high,
            metric=metric,
            percent=standard.percent,
        )

    @property
    def amount(self) -> str:
        """The advantage with its interval: `2.1 points (95 % CI 0.8 to 3.4)`."""
        size = f"{self.metric.show(self.size)} {self.metric.unit}"
        if self.low is None or self.high is None:
            return size
        return f"{size} ({self.percent} CI {self.metric.show(self.low)} to {self.metric.show(self.high)})"

    @property
    def decided(self) -> str:
        return f"{self.leader} is better than {self.follower} by {self.amount}"

    def undecided(self, spread: Spread, comparisons: int, seeds: int | None, items: int | None) -> str:
        gap = f"{self.leader} leads {self.follower} by {self.amount}"
        if spread.mean == 0:
            gap = f"{self.leader} and {self.follower} differ by {self.amount}"
        correction = ""
        if self.low is not None and self.low > 0:
            correction = f", which does not stand up to the correction for {comparisons} comparisons"
        return f"undecided: {gap}{correction}; {_outlook(spread, seeds, items)}"


def _outlook(spread: Spread, seeds: int | None, items: int | None) -> str:
    """Say what it would take to decide an open question."""
    if spread.seeds == 1:
        return "one seed gives no interval: run three or more"
    if spread.standard_error is None:
        return "every seed gave the same difference, so chance cannot be judged: run more seeds"
    if seeds is not None:
        return f"would need about {seeds} seeds (here {spread.seeds})"
    if items is not None and items > spread.items:
        return f"would need more seeds and at least {items:,} test items (here {spread.items:,})"
    return f"would need over {MAX_SEEDS:,} seeds"


def _headline(differences: Sequence[Difference]) -> str:
    """Sum a family up in one sentence."""
    decided = [difference for difference in differences if difference.better is not None]
    if len(differences) == 1:
        return differences[0].sentence
    if not decided:
        clearest = min(differences, key=lambda difference: difference.p).sentence.removeprefix("undecided: ")
        return f"undecided between {_names(differences)}. The clearest gap: {clearest}"
    best = _best(differences)
    if best is not None:
        losses = [d.sentence.removeprefix(f"{best} is ") for d in decided if d.better == best]
        return f"{best} is best: {_list(losses)}"
    still_open = [f"{d.first} against {d.second}" for d in differences if d.better is None]
    text = "; ".join(difference.sentence for difference in decided)
    return f"{text}; undecided: {_list(still_open)}" if still_open else text


def _best(differences: Sequence[Difference]) -> str | None:
    """Return the name that is decided to be better than every other, if there is one."""
    names = {name for difference in differences for name in (difference.first, difference.second)}
    wins = [difference.better for difference in differences]
    return next((name for name in sorted(names) if wins.count(name) == len(names) - 1), None)


def _names(differences: Sequence[Difference]) -> str:
    return _list(list(dict.fromkeys(name for d in differences for name in (d.first, d.second))))


def _list(parts: Sequence[str]) -> str:
    """Join parts as prose: `a`, `a and b`, `a, b and c`."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
