"""A step whose output changes must say so: its digest is kept beside its revision."""

from dataclasses import replace

import pytest
from golden_digests import COMMAND, LIBRARY_STEPS, current, problems, read_golden, unrevised

FILE = "pipelines/dedup/step.py"
ADVICE = f"""
Old artifacts would be taken for new ones. If the change is on purpose, raise the revision of the first step named above
and run `{COMMAND}`; if not, it is a bug."""


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    return current(tmp_path_factory.mktemp("golden"))


def test_every_step_gives_the_content_that_its_revision_stands_for(now):
    found = problems(read_golden(), now)
    assert not found, "\n".join([*found, ADVICE])


def test_a_change_without_a_revision_is_found_and_not_written(now):
    golden = {name: step.plain() for name, step in now.items()}
    assert problems(golden, now) == []
    golden["dedup"]["digest"] = "other"
    (found,) = problems(golden, now)
    revision = now["dedup"].revision
    told = f"dedup: what it writes has changed, and its revision is still {revision} (REVISION in {FILE})"
    assert found == told
    assert unrevised(golden, now) == [found]


def test_a_revised_step_may_change_and_so_may_what_follows(now):
    golden = {name: step.plain() for name, step in now.items()}
    for name in ("dedup", "select"):
        golden[name]["digest"] = "other"
    revised = {**now, "dedup": replace(now["dedup"], revision=now["dedup"].revision + 1)}
    assert len(problems(golden, revised)) == 2, "until the digests are written again"
    assert unrevised(golden, revised) == []
    golden["ingest"]["digest"] = "other"
    assert [line.split(":")[0] for line in unrevised(golden, revised)] == ["ingest"]


def test_other_versions_of_trainers_excuse_tokenizers_alone(now):
    golden = {name: {**step.plain(), "digest": "other", "libraries": {"any": "0"}} for name, step in now.items()}
    found = {line.split(":")[0] for line in problems(golden, now)}
    assert found == set(now) - set(LIBRARY_STEPS)
