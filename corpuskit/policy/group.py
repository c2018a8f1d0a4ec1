"""Rules that are judged together: `any` of them must pass, or `all`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from corpuskit.config import Config
from corpuskit.policy.rule import Rule

Members = Annotated[tuple["PolicyRule", ...], Field(min_length=1)]


class RuleGroup(Config):
    """Several rules that fail as one: with `any` a document must pass at least one of them, with `all` each.

    `all` is for use inside `any`: rules of a policy must all pass anyway. A rule whose signal has no value fails, and
    passes with `missing: keep`, here as elsewhere. A failure's value and threshold are those of the first member that
    failed.
    """

    any_: Members | None = Field(default=None, alias="any")
    """Rules, or groups, of which at least one must pass."""
    all_: Members | None = Field(default=None, alias="all")
    """Rules, or groups, which must all pass."""
    reason: Annotated[str, Field(min_length=1)] | None = None
    """What verdicts call a failure of the group; default `any(…)` or `all(…)` with the members' reasons or signals."""
    languages: tuple[str, ...] = ()
    """Judge only documents with one of these values of `language.label`; empty: all documents."""

    @model_validator(mode="after")
    def _has_one_kind_of_members(self) -> Self:
        if (self.any_ is None) == (self.all_ is None):
            raise ValueError("give `any` or `all`: exactly one of the two")
        if any(member.languages for _, member in self.members("")):
            raise ValueError("rules inside `any` or `all` have no `languages` of their own: give the group's")
        return self

    def members(self, place: str) -> Iterator[tuple[str, "PolicyRule"]]:
        """Give each member with its place, such as `rules[2].any[0]` for a group at `rules[2]`."""
        for index, member in enumerate(self.any_ or self.all_ or ()):
            yield f"{place}.{self._kind}[{index}]", member

    def leaves(self, place: str) -> Iterator[tuple[str, Rule]]:
        """Give the rules over signals that the group consists of, at any depth, each with its place."""
        for inner, member in self.members(place):
            yield from member.leaves(inner)

    @property
    def _kind(self) -> str:
        return "any" if self.any_ else "all"

    @property
    def named(self) -> str:
        """The reason of a failure."""
        names = (m.named if isinstance(m, RuleGroup) else m.reason or m.signal for _, m in self.members(""))
        return self.reason or f"{self._kind}({', '.join(dict.fromkeys(names))})"

    def reasons(self) -> Iterator[str]:
        """Give every reason that verdicts can name: the group's own, whichever member failed."""
        yield self.named


def _tag(value: Any) -> str:
    """Tell a group from a rule by its fields; the tags are no names of fields, which places in errors are told by."""
    grouped = isinstance(value, Mapping) and not value.keys().isdisjoint(("any", "all", "any_", "all_"))
    return "a group" if grouped or isinstance(value, RuleGroup) else "a rule"


PolicyRule = Annotated[
    Annotated[Rule, Tag("a rule")] | Annotated[RuleGroup, Tag("a group")],
    Discriminator(_tag),
]
"""An entry of `rules`: a rule over one signal, or a group of entries."""
RuleGroup.model_rebuild()
