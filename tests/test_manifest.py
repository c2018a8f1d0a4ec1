"""Manifests: fingerprints, markers, verification, and the field that changed."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit import manifest, storage
from corpuskit.errors import ArtifactError, CorruptArtifact
from corpuskit.manifest import Identity, Manifest, Marker

IDENTITY = Identity(
    step="annotate",
    revision=1,
    config={"rules": [{"max": 0.3}, {"max": 5}], "name": "x"},
    inputs={"documents": "ab"},
    libraries={"pyarrow": "25"},
)


@pytest.mark.parametrize(
    "change",
    [
        {"step": "other"},
        {"revision": 2},
        {"config": {}},
        {"inputs": {"documents": "cd"}},
        {"libraries": {"pyarrow": "26"}},
    ],
)
def test_every_part_of_an_identity_changes_the_fingerprint(change: dict) -> None:
    assert replace(IDENTITY, **change).fingerprint != IDENTITY.fingerprint


def test_a_fingerprint_does_not_depend_on_the_order_of_fields() -> None:
    shuffled = replace(IDENTITY, config=dict(reversed(IDENTITY.config.items())))
    assert shuffled.fingerprint == IDENTITY.fingerprint


def test_differences_name_the_field_and_both_values() -> None:
    changed = replace(IDENTITY, config={"rules": [{"max": 0.3}, {"max": 7}], "name": "x"}, revision=2)
    assert manifest.differences(IDENTITY.plain(), changed.plain()) == [
        "config.rules[1].max: 5 -> 7",
        "revision: 1 -> 2",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), JSON), st.dictionaries(st.text("abc", min_size=1), JSON))
def test_differences_are_empty_exactly_for_equal_data(left: dict, right: dict) -> None:
    same = {name: value for name, value in left.items() if value is not None} == {
        name: value for name, value in right.items() if value is not None
    }
    if left == right:
        assert not manifest.differences(left, right)
    elif not same:
        assert manifest.differences(left, right)


def test_a_marker_of_another_fingerprint_counts_as_absent(tmp_path: Path) -> None:
    marker = Marker(item="0", fingerprint="new", rows=3, counts={"bytes": 9})
    manifest.write_marker(str(tmp_path), "phase", marker)
    assert manifest.read_marker(str(tmp_path), "phase", "0", "new") == marker
    assert manifest.read_marker(str(tmp_path), "phase", "0", "old") is None
    assert manifest.read_marker(str(tmp_path), "phase", "1", "new") is None


def _artifact(folder: Path) -> Manifest:
    storage.commit(str(folder / "part"), b"payload")
    made = Manifest(
        kind="signals",
        name="length",
        fingerprint=IDENTITY.fingerprint,
        identity=IDENTITY.plain(),
        files={"part": manifest.file_entry(str(folder / "part"))},
    )
    manifest.write(str(folder), made)
    return made


def test_write_then_read(tmp_path: Path) -> None:
    made = _artifact(tmp_path)
    assert manifest.read(str(tmp_path), "signals") == made
    assert manifest.verify(str(tmp_path)) == 1


def test_verify_finds_a_flipped_byte_a_cut_and_a_missing_file(tmp_path: Path) -> None:
    _artifact(tmp_path)
    (tmp_path / "part").write_bytes(b"pAyload")
    with pytest.raises(CorruptArtifact, match="part: xxh3"):
        manifest.verify(str(tmp_path))
    (tmp_path / "part").write_bytes(b"pay")
    with pytest.raises(CorruptArtifact, match="3 bytes, expected 7"):
        manifest.verify(str(tmp_path))
    (tmp_path / "part").unlink()
    with pytest.raises(CorruptArtifact, match="missing"):
        manifest.verify(str(tmp_path))


def test_reading_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no manifest\.json"):
        manifest.read(str(tmp_path))
    _artifact(tmp_path)
    with pytest.raises(ArtifactError, match="kind 'signals', expected 'shards'"):
        manifest.read(str(tmp_path), "shards")
    fields = orjson.loads((tmp_path / "manifest.json").read_bytes())
    (tmp_path / "manifest.json").write_bytes(orjson.dumps(fields | {"format_version": 99}))
    with pytest.raises(ArtifactError, match="version 99"):
        manifest.read(str(tmp_path))
    (tmp_path / "manifest.json").write_bytes(b"{")
    with pytest.raises(ArtifactError, match="not a corpuskit manifest"):
        manifest.read(str(tmp_path))
