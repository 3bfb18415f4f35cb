"""Messages that nobody reads, and terminals that are left as they were found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FIT = ("fit-masks", "--model", "vessgan", "--size", "16", "--set", "width=2", "--threads", "1", "--epochs")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="descriptors and terminals of POSIX")


def command(source: Path, epochs: int) -> list[str]:
    return [sys.executable, "-m", "pairaug", *FIT, str(epochs), str(source)]


def test_a_reader_of_stderr_that_has_gone_does_not_end_a_fit(drive: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(command(drive, 1), stdout=subprocess.PIPE, stderr=write, check=False)
    os.close(write)
    assert (ran.returncode, ran.stdout.split()) == (0, [b"pairaug-models/masks/model.safetensors"])


def test_a_closed_stderr_neither_ends_a_fit_nor_lends_its_number_to_a_file(drive: Path) -> None:
    line = " ".join(command(drive, 1)) + " 2>&-"
    ran = subprocess.run(["sh", "-c", line], stdout=subprocess.PIPE, check=False)
    assert (ran.returncode, ran.stdout.split()) == (0, [b"pairaug-models/masks/model.safetensors"])


def test_a_refusal_that_nobody_reads_keeps_its_exit_code() -> None:
    ran = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m pairaug check nowhere 2>&-"], capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (3, b"")


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_shows_the_cursor_again(drive: Path, times: int) -> None:
    import pty

    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        command(drive, 1_000_000), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=follower, env=environment
    ) as process:
        os.close(follower)
        seen = b""
        while b"\x1b[?25l" not in seen:
            seen += os.read(leader, 4096)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        try:
            while part := os.read(leader, 4096):
                seen += part
        except OSError:  # the other end is closed
            pass
    os.close(leader)
    assert process.returncode == 130
    assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l")
