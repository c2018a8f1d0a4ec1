"""The pydocs source: harvesting a source tree and the running Python's standard library."""

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from corpuskit.documents import BadRecord, SourceConfig, plan, read
from corpuskit.documents.pydocs import DOCUMENT_BYTES, kind, package
from corpuskit.errors import InputError

LONG = "It says a good deal about what it does, and so on. " * 5


def harvest(source: SourceConfig) -> tuple[list[dict[str, Any]], list[BadRecord]]:
    rows: list[dict[str, Any]] = []
    errors: list[BadRecord] = []
    for piece in plan(source, 1 << 28):
        for records in read(piece, source):
            rows += [{**row, **json.loads(row["metadata"])} for row in records.documents.to_pylist()]
            errors += records.errors
    return rows, errors


def source_of(tree: Path, **options: Any) -> SourceConfig:
    return SourceConfig(name="docs", paths=str(tree), format="pydocs", **options)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "lib"
    files = {
        "alpha/__init__.py": f'raise SystemExit("imported!")\n"""not a docstring {LONG}"""',
        "alpha/core.py": f'''"""Core. {LONG}"""
import nowhere
class Box:
    """A box.

    Indented.
    """
    def open(self):
        "Opens it."
        def inner():
            """Not part of the documentation."""
    async def close(self): """Closes it."""
def function():
    r"""Raw \\d."""
''',
        "alpha/broken.py": f'"""Broken. {LONG}"""\ndef (:\n',
        "alpha/nul.py": f'"""Nul. {LONG}"""\n\0',
        "alpha/surrogate.py": f'"""Lone \\ud800 {LONG}"""\n',
        "alpha/latin.py": f'# -*- coding: latin-1 -*-\n"""Grüße. {LONG}"""\n'.encode("latin-1"),
        "alpha/short.py": '"""Short."""\n',
        "alpha/tests/test_core.py": f'"""Tests. {LONG}"""\n',
        "single.py": f'"""Single. {LONG}"""\n',
        "alpha-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: alpha\n\n# Alpha\n\n{LONG}\n",
        "alpha-1.0.dist-info/licenses/LICENSE.txt": f"Licence of Alpha. {LONG}",
        "alpha-1.0.dist-info/RECORD": LONG,
        "old-1.0.dist-info/METADATA": f"Metadata-Version: 1.1\nName: old\nDescription: Old\n        {LONG}\n",
        "LICENSE": f"Licence of all. {LONG}",
        "README.rst": b"not utf-8 \xff" + LONG.encode(),
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_fake_tree(tree):
    rows, errors = harvest(source_of(tree))
    texts = {row["path"]: row["text"] for row in rows}
    assert texts["lib/alpha/core.py"] == (
        f"Core. {LONG}".strip()
        + "\n\nBox\nA box.\n\nIndented.\n\nBox.open\nOpens it.\n\nBox.close\nCloses it.\n\nfunction\nRaw \\d."
    )
    assert texts["lib/alpha/latin.py"].startswith("Grüße.")
    assert texts["lib/alpha-1.0.dist-info/METADATA"] == f"# Alpha\n\n{LONG}".strip()
    assert texts["lib/old-1.0.dist-info/METADATA"] == f"Old\n{LONG}".strip()
    assert sorted(texts) == [
        "lib/LICENSE",
        "lib/alpha-1.0.dist-info/METADATA",
        "lib/alpha-1.0.dist-info/licenses/LICENSE.txt",
        "lib/alpha/core.py",
        "lib/alpha/latin.py",
        "lib/old-1.0.dist-info/METADATA",
        "lib/single.py",
    ]
    assert {(row["package"], row["kind"]) for row in rows} == {
        ("alpha", "docstring"),
        ("alpha", "metadata"),
        ("alpha", "text"),
        ("lib", "text"),
        ("old", "metadata"),
        ("single", "docstring"),
    }
    assert sorted((error.file, error.message.split(":")[0].split(" 3")[0]) for error in errors) == [
        ("lib/README.rst", "not utf-8"),
        ("lib/alpha/broken.py", "not Python"),
        ("lib/alpha/nul.py", "not Python"),
        ("lib/alpha/surrogate.py", "a docstring is not Unicode text"),
    ]


def test_long_modules_become_several_documents(tmp_path):
    body = "".join(f'def f{number}():\n    """Function {number}. {LONG}"""\n' for number in range(100))
    (tmp_path / "big.py").write_text(body + 'def last():\n    """Last."""\n')
    rows, _ = harvest(source_of(tmp_path))
    assert len(rows) > 3
    assert all(200 <= len(row["text"]) < DOCUMENT_BYTES + 600 for row in rows)
    assert rows[0]["id"] == f"{tmp_path.name}/big.py:1"
    assert rows[1]["id"].rpartition(":")[2] == str(1 + 2 * rows[0]["text"].count("Function"))
    joined = "\n\n".join(row["text"] for row in rows)
    assert joined.count("Function") == 100
    assert joined.endswith("last\nLast.")


def test_limit_leaves_some_of_every_package(tmp_path):
    for name in ("zeta", "aaa", "mid"):
        for number in range(40 if name == "aaa" else 4):
            path = tmp_path / "lib" / name / f"m{number:02d}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'"""{name} {number} {LONG}"""\n')
    rows, _ = harvest(source_of(tmp_path / "lib", max_bytes=3000))
    size = sum(len(row["text"]) for row in rows)
    assert 3000 <= size < 3300
    assert [row["package"] for row in rows[:6]] == ["aaa", "mid", "zeta", "aaa", "mid", "zeta"]


def test_kinds_and_packages():
    assert kind("x/y.py") == "docstring"
    assert kind("x/readme.md") == "text"
    assert kind("x/LICENSE-2.0.txt") == "text"
    assert not any(map(kind, ("x/newspaper.txt", "x/data.txt", "x/a.pyc", "METADATA", "x/license.html")))
    assert package("site-packages/six.py") == "six"
    assert package("site-packages/numpy/core/a.py") == "numpy"
    assert package("site-packages/typing_extensions-4.0.dist-info/METADATA") == "typing_extensions"


def test_no_python_files(tmp_path):
    with pytest.raises(InputError, match=f"source 'docs': no Python files in {tmp_path}"):
        plan(source_of(tmp_path), 1)


def test_standard_library():
    """Some real text of many modules, the same each time, with nothing imported."""
    source = source_of(Path(sysconfig.get_path("stdlib")), max_bytes="1 MB")
    before = set(sys.modules)
    rows, errors = harvest(source)
    assert set(sys.modules) - before <= {"encodings.latin_1", "encodings.iso8859_1", "stringprep"}
    assert 900_000 < sum(len(row["text"].encode()) for row in rows) < 1_100_000
    assert len({row["package"] for row in rows}) > 100
    assert len({row["id"] for row in rows}) == len(rows)
    assert len(errors) < 0.01 * len(rows)
    assert harvest(source)[0] == rows


def test_plan_covers_the_running_python():
    pieces = plan(SourceConfig(name="docs", format="pydocs"), 1)
    assert len(pieces) == 16
    names = [file.name for piece in pieces for file in piece.files]
    assert len(set(names)) == len(names)
    assert any(name.endswith("json/decoder.py") for name in names)
    assert any("pyarrow" in name for name in names)
    assert len(pieces[0].identity()) == 1
