"""Exclude lists: what they drop, and lists that cannot be read."""

from collections.abc import Sequence

import pyarrow as pa
import pytest
from test_policy import table

from corpuskit import policy, storage
from corpuskit.errors import InputError, RecipeError
from corpuskit.policy import PolicyConfig, Rule, judge, summary


@pytest.fixture
def takedowns(tmp_path) -> str:
    path = str(tmp_path / "takedowns.txt")
    lines = ["\ufeff# asked for in June", "doc-1", "", "  https://a.org/x#part  ", "doc-1", "#doc-3\r"]
    storage.commit(path, "\n".join(lines).encode())
    return path


def excludable(**more: Sequence[object]) -> pa.Table:
    urls = [None, "https://a.org/x#part", "https://a.org/x", "doc-1"]
    identities = pa.table({"id": ["doc-1", "doc-2", "doc-3", "DOC-1"], "url": pa.array(urls, pa.string())})
    for name, column in zip(table(**more).column_names, table(**more).columns, strict=True):
        identities = identities.append_column(name, column)
    return identities


def test_listed_ids_and_urls_are_dropped_before_any_rule(takedowns: str) -> None:
    config = PolicyConfig(exclude=(takedowns,), rules=(Rule(signal="a.count", min=5),))
    verdicts = judge(config, excludable(count=[1, 9, 9, 9]))
    name = "exclude:takedowns.txt"
    assert verdicts["reason"].to_pylist() == [name, name, None, name]
    assert verdicts["failed"].to_pylist() == [[name, "a.count:min"], [name], [], [name]]
    assert verdicts["value"].null_count == verdicts["threshold"].null_count == 4


def test_lists_read_once_judge_as_lists_read_each_time(takedowns: str) -> None:
    config = PolicyConfig(exclude=(takedowns,))
    lists = policy.read_exclusions(config.exclude)
    assert [entries.to_pylist() for entries in lists.values()] == [["doc-1", "https://a.org/x#part"]]
    assert judge(config, excludable(), lists) == judge(config, excludable())
    assert summary(config, judge(config, excludable()))["alone:exclude:takedowns.txt"] == 3


def test_exclude_works_on_large_strings_and_empty_lists(tmp_path, takedowns: str) -> None:
    empty = str(tmp_path / "none.txt")
    storage.commit(empty, b"# nobody yet\n")
    large = pa.schema([("id", pa.large_string()), ("url", pa.large_string())])
    verdicts = judge(PolicyConfig(exclude=(empty, takedowns)), excludable().cast(large))
    assert verdicts["kept"].to_pylist() == [False, False, True, False]


def test_an_exclude_list_that_cannot_be_read_is_the_users_error(tmp_path) -> None:
    config = PolicyConfig(exclude=(str(tmp_path / "absent.txt"),))
    with pytest.raises(InputError, match=r"absent\.txt: No such file"):
        judge(config, excludable())
    storage.commit(str(tmp_path / "latin.txt"), b"doc-1\ncaf\xe9\n")
    with pytest.raises(InputError, match=r"latin\.txt: not UTF-8 at byte 9"):
        policy.read_exclusions([str(tmp_path / "latin.txt")])


def test_lists_that_cannot_be_read_are_named_by_their_place(tmp_path, takedowns: str) -> None:
    policy.check_lists(PolicyConfig(exclude=(takedowns,)))
    absent = str(tmp_path / "absent.txt")
    with pytest.raises(RecipeError, match=r"^exclude\[1\]: .*absent\.txt: No such file") as caught:
        policy.check_lists(PolicyConfig(exclude=(takedowns, absent)))
    assert caught.value.path == "exclude[1]"
    storage.commit(absent, b"doc-1\ncaf\xe9\n")
    with pytest.raises(RecipeError, match=r"^variants\.v\.policy\.exclude\[0\]: .*: not UTF-8 at byte 9"):
        policy.check_lists(PolicyConfig(exclude=(absent,)), "variants.v.policy")


def test_excluding_needs_ids_and_urls(takedowns: str) -> None:
    with pytest.raises(RecipeError, match="column 'url'"):
        judge(PolicyConfig(exclude=(takedowns,)), pa.table({"id": ["x"]}))
