"""The house: layers, size budgets, forbidden calls, the README's tree, the import budget."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("corpuskit", "pipelines", "pretrain")
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
LONGEST_KERNEL = 120
MEDIAN_FUNCTION = 12
FORBIDDEN = {
    "open": "corpuskit.storage.open_input or committing",
    "hash": "xxhash or corpuskit.kernels.hashing",
    "print": "corpuskit.cli.console",
}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def is_kernel(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        "kernel" in ast.unparse(decorator) or "njit" in ast.unparse(decorator) for decorator in function.decorator_list
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes_docstrings_and_calls(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= LONGEST_FILE
    assert ast.get_docstring(tree), "a module says in its first line what it is for"
    for function in functions(tree):
        assert length(function) <= (LONGEST_KERNEL if is_kernel(function) else LONGEST_FUNCTION), function.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN:
            pytest.fail(f"line {node.lineno}: {node.func.id}() is not for library code; use {FORBIDDEN[node.func.id]}")


def test_the_median_function_is_short() -> None:
    lengths = [length(function) for path in sources() for function in functions(ast.parse(path.read_text()))]
    assert median(lengths) <= MEDIAN_FUNCTION


def test_layers_hold() -> None:
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_import_corpuskit_loads_the_standard_library_only() -> None:
    script = "import sys; before = set(sys.modules); import corpuskit; print(*(set(sys.modules) - before))"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"corpuskit"}
    assert not foreign


def test_public_names_exist() -> None:
    import corpuskit

    assert corpuskit.__all__ == sorted(corpuskit.PUBLIC)
    for name in corpuskit.__all__:
        assert getattr(corpuskit, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = corpuskit.no_such_name


def readme_tree() -> dict[str, str]:
    """Return path -> purpose as the tree at the end of the README gives them."""
    block = (ROOT / "README.md").read_text().rsplit("```", 2)[1]
    entries, folder = {}, ""
    for line in block.splitlines():
        found = re.match(r"^( *)(\S+)\s{2,}(.+)$", line)
        if not found:
            continue
        indent, name, purpose = found.groups()
        if not indent:
            folder = name if name.endswith("/") else ""
        entries[(folder if indent else "") + name] = purpose
    return entries


def purpose_of(path: str) -> str:
    file = ROOT / path / "__init__.py" if path.endswith("/") else ROOT / path
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    return docstring.splitlines()[0].rstrip(".")


def test_the_readme_ends_with_the_tree_and_every_purpose_is_the_modules_own() -> None:
    tree = readme_tree()
    modules = {path: purpose for path, purpose in tree.items() if path.startswith(PACKAGES)}
    assert {path: purpose_of(path) for path in modules} == modules
    for package in PACKAGES:
        children = {p.name + ("/" if p.is_dir() else "") for p in (ROOT / package).iterdir() if _is_module(p)}
        assert children == {path.removeprefix(f"{package}/") for path in tree if path.startswith(f"{package}/")} - {""}


def _is_module(path: Path) -> bool:
    if path.is_dir():
        return (path / "__init__.py").exists()
    return path.suffix == ".py" and path.name not in ("__init__.py", "__main__.py")


def test_nothing_committed_names_this_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        path = ROOT / name
        if name and path.suffix in (".py", ".md", ".toml", ".yaml", ".j2", "") and path.is_file():
            text = path.read_text(errors="replace")
            assert "/work" + "/main" not in text, name
            assert "/opt/" + "wheels" not in text, name
