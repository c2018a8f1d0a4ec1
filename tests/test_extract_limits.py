"""A page may take so much time and memory, and may crash the extractor: it fails, and nothing else does."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpuskit.errors import InputError, MissingExtra, StepFailed
from corpuskit.extract import ExtractConfig, config, extract_page, limits, require
from corpuskit.extract.limits import Child, Children, Failed

pytestmark = pytest.mark.timeout(120)
FAKE = str(Path(__file__).with_name("extract_fake.py"))
BOOT = (
    "import sys, runpy; sys.path[:] = sys.argv[3:]; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
QUICK = ExtractConfig(time_limit=0.3)
SLOWER = ExtractConfig(time_limit=30)


def fake(mode: str = "serve") -> Child:
    return Child([sys.executable, "-c", BOOT, FAKE, mode, *sys.path])


@pytest.fixture
def child() -> Iterator[Child]:
    made = fake()
    yield made
    made.close()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def await_end(pid: int) -> None:
    while is_alive(pid):  # the test's own time limit ends this
        time.sleep(0.01)


def worker_of(child: Child) -> int:
    return int(child.extract(b"pid", None, QUICK).text)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"spin", "took over 0.3 s"),
        (b"sleep", "was not done after 3 s by the clock"),
        (b"crash 11", r"crashed the extractor \(signal 11\)"),
        (b"crash 9", r"crashed the extractor \(signal 9\)"),
        (b"exit", r"crashed the extractor \(exit code 3\)"),
        (b"take 4000000000", "needs over 2 GiB of memory"),
        (b"raise", r"made the extractor fail: ValueError: no \? page"),
    ],
)
def test_a_bad_page_fails_alone(child: Child, page: bytes, message: str) -> None:
    for _ in range(2):
        assert child.extract("good é".encode(), "x", QUICK) == ("good é", "title", None, "x", 0)
        running = child.pid
        with pytest.raises(Failed, match=f"^{message}$"):
            child.extract(page, None, QUICK)
        assert child.extract(b"next", None, QUICK).text == "next"
        assert child.pid == running, "libraries are imported once, however many pages are bad"


def test_a_page_is_not_blamed_for_the_memory_of_those_before(child: Child) -> None:
    for _ in range(8):
        assert child.extract(b"keep 500000000", None, SLOWER).text


def test_limits_are_those_of_each_page(child: Child) -> None:
    small = ExtractConfig(memory=512 << 20, time_limit=30)
    with pytest.raises(Failed, match="needs over 512 MiB of memory"):
        child.extract(b"take 1000000000", None, small)
    assert child.extract(b"take 1000000000", None, SLOWER).text
    assert child.extract(b"", None, QUICK).text == ""
    large = bytes(range(32, 127)) * 50_000
    assert child.extract(large, None, QUICK).text == large.decode()


def test_a_lost_child_is_replaced(child: Child) -> None:
    assert child.extract(b"a", None, QUICK).text == "a"
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await_end(first)
    assert child.extract(b"b", None, QUICK).text == "b"
    assert child.pid != first


def test_a_worker_lost_between_pages_is_replaced(child: Child) -> None:
    worker = worker_of(child)
    os.kill(worker, signal.SIGKILL)
    await_end(worker)
    assert worker_of(child) != worker


def test_a_page_that_kills_the_whole_child_fails(child: Child) -> None:
    # both the parent and its worker are lost: the worker sleeps until its own clock rings
    with pytest.raises(Failed):
        child.extract(b"orphan", None, QUICK)
    assert child.extract(b"next", None, QUICK).text == "next"


def test_a_silent_child_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.2)
    child = fake("hang")
    with pytest.raises(Failed, match="by the clock"):
        child.extract(b"page", None, ExtractConfig(time_limit=0.01))
    assert child.pid is None


def test_a_child_that_does_not_start_is_an_error_not_a_page() -> None:
    with pytest.raises(StepFailed, match=r"did not start \(exit 7\): it gave no reason"):
        fake("mute").extract(b"page", None, QUICK)


def test_a_broken_package_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trafilatura.py").write_text("raise ImportError('no name x in trafilatura')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(limits, "CHILDREN", Children())
    for _ in range(2):
        with pytest.raises(StepFailed, match=r"\(exit 1\): ImportError: no name x in trafilatura\n.*corpuskit\[web\]"):
            extract_page(b"<p>page</p>")


def test_processes_end_when_closed() -> None:
    child = fake()
    worker, parent = worker_of(child), child.pid
    child.close()
    assert parent is not None
    await_end(parent)
    await_end(worker)


def test_processes_end_with_whoever_started_them_even_if_killed() -> None:
    code = (
        "import sys, time; sys.path[:] = sys.argv[1:]\n"
        "from corpuskit.extract import ExtractConfig, extract_page, limits\n"
        "extract_page(b'<p>x</p>')\n"
        "[child] = limits.CHILDREN._children['trafilatura']\n"
        "print(child.pid, flush=True); time.sleep(3600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *sys.path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert is_alive(pid)
    process.kill()
    process.wait()
    process.stdout.close()
    await_end(pid)


def test_threads_have_children_of_their_own() -> None:
    children = Children()
    first, second = children.borrow("trafilatura"), children.borrow("trafilatura")
    assert first is not second
    first.lock.release()
    assert children.borrow("trafilatura") is first
    assert children.borrow("resiliparse") not in (first, second)


def test_pages_of_threads_are_not_mixed_up() -> None:
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        pages = [f"<html><body><p>Thread {number}, page {page}.</p></body></html>" for page in range(20)]
        found[number] = [extract_page(page.encode()).text for page in pages]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"Thread {number}, page {page}." for page in range(20)] for number in range(3)}


def test_a_fork_has_children_of_its_own() -> None:
    extract_page(b"<p>before</p>")
    pid = os.fork()
    if pid == 0:
        ok = not limits.CHILDREN._children and extract_page(b"<p>in the fork</p>").text == "in the fork"
        limits.CHILDREN.close()
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert extract_page(b"<p>after</p>").text == "after"


PARAGRAPH = b"<p>A paragraph of text, with a comma, so that there is a page.</p>"
SLOW = {
    "trafilatura": PARAGRAPH + b"<p>" + b"a<br>" * 400_000 + b"</p>",
    "resiliparse": PARAGRAPH + b"<ul><li>a " * 40_000,
}
"""Pages on which an engine's time grows with the square of their size."""


@pytest.mark.parametrize("engine", ["trafilatura", "resiliparse"])
def test_real_pages_that_take_forever(engine: str) -> None:
    limited = ExtractConfig.model_validate({"engine": engine, "time_limit": 0.5})
    with pytest.raises(InputError, match=r"took over 0.5 s"):
        extract_page(b"<html><body>" + SLOW[engine] + b"</body></html>", limited)
    assert "A paragraph of text" in extract_page(b"<html><body>" + PARAGRAPH, limited).text


def test_a_page_of_50_megabytes_is_not_parsed() -> None:
    with pytest.raises(InputError, match="has 50,000,000 bytes, over the 10,000,000 of max_bytes"):
        extract_page(b"<p>a " * 10_000_000)


def test_a_page_that_needs_more_memory_than_it_may_have() -> None:
    limited = ExtractConfig.model_validate(
        {"engine": "resiliparse", "memory": "512 MiB", "max_bytes": "50 MB", "time_limit": 60}
    )
    with pytest.raises(InputError, match=r"needs over 512 MiB of memory"):
        extract_page(b"<i>a</i>" * 5_000_000, limited)


@pytest.mark.parametrize("engine", ["trafilatura", "resiliparse"])
@pytest.mark.parametrize(
    "page", [b"", b"x", b"\0" * 99, b"\xff\xfe", b"<", b"<" * 9999, b"<!--", b"\x1b$B", b"<p>&#xD800;"]
)
def test_odd_pages_are_rows(engine: str, page: bytes) -> None:
    extract_page(page, ExtractConfig.model_validate({"engine": engine})).text.encode()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "MODULES", {"no_such_module_": "no-such"})
    with pytest.raises(
        MissingExtra, match=r"with trafilatura needs the package no-such: pip install 'corpuskit\[web\]'"
    ):
        require(ExtractConfig())


def test_the_config_says_what_it_refuses() -> None:
    assert ExtractConfig.model_validate({"max_bytes": "5 MiB"}).max_bytes == 5 << 20
    for wrong in (
        {"time_limit": 0},
        {"max_bytes": 0},
        {"memory": 1},
        {"engine": "x"},
        {"engine": "resiliparse", "thorough": True},
    ):
        with pytest.raises(ValueError, match="validation error"):
            ExtractConfig.model_validate(wrong)
