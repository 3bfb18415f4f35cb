"""Windows and macOS, as far as they can be had on another system: the whole road, locks, names, drives, encodings."""

from __future__ import annotations

import ast
import io
import ntpath
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pairaug
from pairaug import locking
from pairaug.api.pair_options import PairOptions
from pairaug.cli.output import accept_any_file_name, emit
from pairaug.errors import DataError, OutputError, StorageError
from pairaug.files import checked_relative, link_atomic, write_atomic
from pairaug.locking import HELD_NAME, LOCK_NAME, folder_lock, scratch_folder
from pairaug.machine.signals import Interruption, ending_by_signal
from pairaug.machine.workers import default_threads
from pairaug.pairs.globs import matches
from pairaug.pairs.listing import _common, _relative
from pairaug.synthesis.adding import _second_name
from tests.conftest import Cli, contents
from tests.other_system import _msvcrt

SOURCES = sorted(Path(pairaug.__file__).parent.rglob("*.py"))
ROAD = (
    "fit-masks DRIVE/masks --model warp --no-gate -q",
    "fit-translator DRIVE --model graft --no-gate -q",
    "synthesize --count 2 --include-originals --out out --threads 2 --device cpu -q",
    "evaluate DRIVE out --parts masks,images,novelty --threads 2 --device cpu --json -q",
)
CHILD = """
import sys, torch
from tests.other_system import become
become()
from pairaug.cli.app import run
drive, *road = sys.argv[1:]
for line in road:
    sys.argv = ["pairaug", *(word.replace("DRIVE", drive) for word in line.split())]
    try:
        run()
    except SystemExit as end:
        print("ended", end.code, file=sys.stderr, flush=True)
"""


def test_a_machine_without_the_habits_of_linux_makes_the_same_set_and_the_same_figures(
    drive: Path, tmp_path: Path, cli: Cli
) -> None:
    """Start method spawn, no fcntl, no fork, no SIGTERM, folders that cannot be opened, no links of either kind."""
    (tmp_path / "other").mkdir()
    paths = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(pairaug.__file__).parents[1])])
    other = subprocess.run(
        [sys.executable, "-c", CHILD, str(drive), *ROAD],
        cwd=tmp_path / "other",
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert [line for line in other.stderr.splitlines() if line.startswith("ended")] == ["ended 0"] * 4, other.stderr
    usual = [cli(*(word.replace("DRIVE", str(drive)) for word in line.split())).out for line in ROAD]
    assert other.stdout == "".join(usual)
    assert contents(tmp_path / "other" / "out") == contents(Path("out"))
    assert not [name for name in contents(tmp_path / "other") if Path(name).name in (HELD_NAME, LOCK_NAME)]


def test_nothing_of_the_package_starts_processes_of_its_own() -> None:
    """So no start method matters, and no child loads the caller's script again, as Windows and macOS would have it."""
    starters = {"multiprocessing", "subprocess", "concurrent.futures.process"}
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    assert not {name for name in found if name.split(".")[0] in starters or name.endswith("ProcessPoolExecutor")}


def reads_text_in_any_encoding(source: str) -> list[str]:
    """The calls that read or write text in the encoding of the machine, which on Windows is not UTF-8."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(keyword.arg == "encoding" for keyword in node.keywords):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [given.value for given in node.args if isinstance(given, ast.Constant) and isinstance(given.value, str)]
        text_mode = name in ("open", "fdopen") and not any("b" in mode for mode in modes if len(mode) <= 3)
        if name in ("read_text", "write_text") or (text_mode and not ast.unparse(node).startswith(_NOT_TEXT)):
            found.append(ast.unparse(node))
    return found


_NOT_TEXT = ("os.open(", "Image.open(", "tarfile.open(", "zipfile.ZipFile(")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_text_is_read_and_written_in_a_named_encoding(path: Path) -> None:
    assert reads_text_in_any_encoding(path.read_text(encoding="utf-8")) == []


def test_text_without_a_named_encoding_would_be_noticed() -> None:
    assert reads_text_in_any_encoding("path.read_text()\nopen(path, 'w')\nopen(path, 'rb')") == [
        "path.read_text()",
        "open(path, 'w')",
    ]


@pytest.fixture
def no_fcntl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "msvcrt", _msvcrt())
    monkeypatch.setattr(locking, "fcntl", None)


@pytest.mark.usefixtures("no_fcntl")
def test_without_fcntl_a_folder_is_locked_by_a_file_that_goes_with_the_lock(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        assert (tmp_path / HELD_NAME).is_file()
        with pytest.raises(OutputError, match=f"in use by pairaug .process {os.getpid()}"), folder_lock(tmp_path):
            pass
    assert not list(tmp_path.iterdir())
    with folder_lock(tmp_path):
        pass


@pytest.mark.usefixtures("no_fcntl")
def test_without_fcntl_scratch_folders_of_the_dead_go_and_those_in_use_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stale = tmp_path / "pairaug-test-stale"
    stale.mkdir()
    (stale / "part").touch()
    with scratch_folder("pairaug-test-") as one:
        assert not stale.exists()
        with scratch_folder("pairaug-test-") as other:
            assert one.is_dir()
            assert other.is_dir()
    assert not list(tmp_path.iterdir())


def test_without_a_count_of_usable_cores_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert default_threads() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert default_threads() == 1


def test_without_sigterm_ctrl_c_alone_ends_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("signal.SIGTERM")
    with ending_by_signal(), Interruption(lambda text: None) as asked:
        assert asked.signal == 0


def test_a_folder_that_cannot_be_flushed_holds_the_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = os.fsync

    def of_files_alone(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(22, "Invalid argument")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", of_files_alone)
    write_atomic(tmp_path / "file", b"x")
    assert contents(tmp_path) == {"file": b"x"}


def test_where_there_are_no_links_an_original_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "original").write_bytes(b"x")
    monkeypatch.setattr(os, "link", refused)
    link_atomic(tmp_path / "original", tmp_path / "copy")
    assert contents(tmp_path) == {"original": b"x", "copy": b"x"}


def test_where_there_are_no_links_an_added_pair_is_copied_whole_or_not_at_all_and_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def torn(source: object, target: io.BytesIO) -> None:
        target.write(b"x")
        raise KeyboardInterrupt

    (tmp_path / "new").write_bytes(b"xyz")
    monkeypatch.setattr(os, "link", refused)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", torn)
        with pytest.raises(KeyboardInterrupt):
            _second_name(tmp_path / "new", tmp_path / "copy")
    assert contents(tmp_path) == {"new": b"xyz"}
    _second_name(tmp_path / "new", tmp_path / "copy")
    (tmp_path / "theirs").write_bytes(b"theirs")
    with pytest.raises(StorageError, match="File exists"):
        _second_name(tmp_path / "new", tmp_path / "theirs")
    assert contents(tmp_path) == {"new": b"xyz", "copy": b"xyz", "theirs": b"theirs"}


STRANGE = ["CON", "con.png", "images/NUL.tar.gz", "aux /x", "COM1", "lpt\u00b9.txt", "a.", "a ", "b./c", "a:b", "C:x"]
STRANGE += ["a\\b", "..\\b", "\\\\host\\share", 'a"', "a?", "a*", "a|b", "a<b", "a\x1fb"]


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_that_is_another_one_to_windows_is_refused_there(name: str) -> None:
    assert checked_relative(name, "here", windows=False).as_posix() == name
    with pytest.raises(DataError, match="not a relative path below its own folder"):
        checked_relative(name, "here", windows=True)


@pytest.mark.parametrize(
    "name", ["console.png", "com10", "com000001.png", "a.b/c d.png", ".hidden", "ü\u2028", "nul_1"]
)
def test_a_name_that_only_looks_like_a_device_is_taken(name: str) -> None:
    assert checked_relative(name, "here", windows=True).as_posix() == name


def test_patterns_may_be_typed_with_backslashes_where_these_part_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = PairOptions(images="img\\*.png", masks="gt\\*.png", only=["img\\a*"], pair="img\\{id}.png=gt\\{id}.png")
    assert typed.selection().images == "img\\*.png"
    monkeypatch.setattr(os, "sep", "\\")
    chosen = typed.selection()
    assert (chosen.masks, chosen.only, chosen.pair) == ("gt/*.png", ("img/a*",), "img/{id}.png=gt/{id}.png")
    assert chosen.images is not None
    assert matches(chosen.images, "img/a.png")


def test_the_files_of_a_list_are_found_below_one_folder_of_a_drive() -> None:
    paths = ["C:\\data\\images\\a.png", "c:\\data\\masks\\sub\\a.png"]
    root = _common(paths, "list", ntpath)
    assert root.lower() == "c:\\data"
    assert [_relative(path, root, ntpath) for path in paths] == ["images/a.png", "masks/sub/a.png"]


@pytest.mark.parametrize("other", ["D:\\masks\\a.png", "\\\\host\\share\\masks\\a.png"])
def test_a_list_of_files_on_two_drives_is_refused_in_one_line(other: str) -> None:
    with pytest.raises(DataError, match=r"^list: its files lie on .* and .*; bring them onto one drive$"):
        _common(["C:\\images\\a.png", other], "list", ntpath)


def test_a_pipe_on_windows_gets_utf_8_and_plain_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252", newline="\r\n"))
    accept_any_file_name(windows=True)
    emit("m/\u75c5\u5a92.safetensors")
    assert written.getvalue() == "m/\u75c5\u5a92.safetensors\n".encode()
