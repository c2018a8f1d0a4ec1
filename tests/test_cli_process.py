"""The command as a process: streams, exit codes, Ctrl-C at a terminal, several processes on one folder."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from corpora import small_fields, write_recipe
from engine_harness import children, is_running, snapshot, wait_for
from pipelines_harness import command, environment, small

SECONDS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small(tmp_path_factory.getbasetemp())


@pytest.fixture
def recipe(made, tmp_path):
    return write_recipe(tmp_path / "recipe.yaml", small_fields(made.corpus))


@pytest.fixture
def quick(made, tmp_path):
    """The same in one split: fewer items, each of which costs a little."""
    return write_recipe(tmp_path / "recipe.yaml", small_fields(made.corpus) | {"split_bytes": "1 MB"})


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out.decode(), err.decode()


def test_a_run_into_a_pipe_has_results_on_stdout_and_a_line_per_step_on_stderr(quick, tmp_path):
    code, out, err = ended(command("run", quick, "--out", tmp_path / "out", "--workers", "2"))
    assert code == 0, err
    assert out.startswith("step ")
    lines = err.splitlines()
    assert [line[0] for line in lines[:-1]] == ["✓"] * (len(lines) - 1)
    assert lines[-1] == f"prepared corpus: {tmp_path}/out"
    assert len(lines) == 10
    assert "\x1b" not in out + err


def test_a_mistake_is_exit_code_2_without_a_traceback(recipe, tmp_path):
    code, out, err = ended(command("run", recipe, "--out", tmp_path / "out", "--set", "sources[0].paths=no*.jsonl"))
    assert (code, out) == (2, "")
    assert err == f"error: {Path.cwd()}/no*.jsonl: no such file, folder or glob match\n"


def test_a_slice_that_must_wait_ends_with_75(recipe, tmp_path):
    code, out, err = ended(command("run", recipe, "--out", tmp_path / "out", "--workers", "1", "--slice", "1/2"))
    assert (code, out) == (75, "")
    assert err.startswith("not ready: documents: slice 1/2 has done its share of phase ingest; ")
    assert err.count("\n") == 1


def press_ctrl_c(terminal: int) -> None:
    os.write(terminal, b"\x03")


def at_a_terminal(*arguments: object) -> tuple[subprocess.Popen[bytes], int]:
    """Start `corpuskit` at a terminal of its own; return the process and the terminal's other end."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [Path(sys.executable).parent / "corpuskit", *map(str, arguments)],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        env={**environment(), "COLUMNS": "80", "TERM": "xterm"},
    )
    os.close(inside)
    return process, terminal


def read_all(terminal: int) -> str:
    """Read until the last process at the terminal has ended; without escape sequences."""
    data = b""
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:
            chunk = b""
        if not chunk:
            os.close(terminal)
            return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace")).replace("\r\n", "\n")
        data += chunk


def test_ctrl_c_at_a_terminal_ends_at_once_and_the_next_run_goes_on(recipe, made, tmp_path):
    out = tmp_path / "out"
    process, terminal = at_a_terminal("run", recipe, "--out", out, "--workers", "2")
    wait_for(lambda: list(out.glob("signals/*/markers/*/*.json")), SECONDS)
    workers = children(process.pid)
    assert workers
    pressed = time.monotonic()
    press_ctrl_c(terminal)
    assert process.wait(timeout=SECONDS) == 130
    assert time.monotonic() - pressed < 5
    text = read_all(terminal)
    assert "interrupted: run the same command again to go on where it was" in text
    assert "Traceback" not in text
    assert not any(map(is_running, workers))
    code, _, err = ended(command("run", recipe, "--out", out, "--workers", "1"))
    assert code == 0, err
    assert re.search(r"documents .* up to date", err)
    assert snapshot(out) == made.files


def test_a_terminal_sees_bars_and_lines_in_80_columns(quick, tmp_path):
    process, terminal = at_a_terminal("run", quick, "--out", tmp_path / "out", "--workers", "1")
    text = read_all(terminal)
    assert process.wait(timeout=SECONDS) == 0
    lines = [line for part in text.split("\n") for line in part.split("\r")]
    assert any("━" in line and "left" in line for line in lines)
    assert max(len(line) for line in lines if "━" in line or "✓" in line) <= 80
    assert sum(line.startswith("✓") for line in lines) == 9


def test_ctrl_c_while_starting_has_no_traceback(recipe, tmp_path):
    process = command("run", recipe, "--out", tmp_path / "out", "--workers", "2")
    wait_for(lambda: "libarrow" in Path(f"/proc/{process.pid}/maps").read_text(), SECONDS)
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130, err
    assert "Traceback" not in err


def test_a_reader_that_stops_early_is_no_error(made):
    """`corpuskit schema | head -1`"""
    process = command("schema")
    process.stdout.close()
    process.wait(timeout=SECONDS)
    assert b"Traceback" not in process.stderr.read()


def test_json_for_machines(recipe, made):
    code, out, err = ended(command("run", recipe, "--out", made.out, "--json", "--quiet"))
    assert (code, err) == (0, "")
    assert set(json.loads(out)) == {"out", "funnel", "malformed", "cleaned", "dropped"}
