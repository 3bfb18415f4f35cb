"""Atomic writing, locks, names that may not leave their folder."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairaug import files, locking
from pairaug.errors import DataError, OutputError, StorageError
from pairaug.json_text import parse_json
from pairaug.synthesis.manifest import MANIFEST, read_manifest


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "file"
    files.write_atomic(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full") as caught:
        files.write_atomic(path, b"new")
    assert caught.value.exit_code == 7
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*arguments: object, **named: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files.os, "replace", denied)
    with pytest.raises(StorageError, match="not writable"):
        files.write_atomic(tmp_path / "file", b"x")


@given(st.text(min_size=1, max_size=30))
def test_a_checked_name_stays_below_its_root(name: str) -> None:
    try:
        path = files.checked_relative(name, "here")
    except DataError:
        return
    assert (Path("/root") / path).as_posix().startswith("/root")
    assert ".." not in path.parts


@pytest.mark.parametrize("name", ["/x", "../x", "a/../../x", "", ".", "a\0b"])
def test_a_name_that_would_leave_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="relative path"):
        files.checked_relative(name, "here")


@pytest.mark.parametrize("name", ["a\\b", "C:x", "c:/x", "nul/x"])
def test_a_name_that_windows_takes_for_another_place_is_refused_there_alone(name: str) -> None:
    assert files.checked_relative(name, "here", windows=False).as_posix() == name
    with pytest.raises(DataError, match="relative path"):
        files.checked_relative(name, "here", windows=True)


@given(
    st.lists(st.sampled_from(["..", ".", "", "a", "link", "file", "c:", "a\\b", "\u2028", "\0"]), max_size=6).map(
        "/".join
    )
)
def test_what_is_written_below_a_root_stays_there_whatever_links_say(name: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        root, outside = Path(place) / "root", Path(place) / "outside"
        root.mkdir(), outside.mkdir()
        (root / "link").symlink_to(outside)
        (root / "file").write_bytes(b"")
        try:
            path = files.below(root, name, "here")
        except (DataError, OutputError):
            path = root / "fine"
        assert not list(outside.iterdir())
        files.write_atomic(path, b"x")
        assert not list(outside.iterdir())
        assert [one.name for one in Path(place).iterdir() if one.name not in ("root", "outside")] == []


def test_a_line_that_failed_half_way_is_not_followed_by_another_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"a": 1}\n{"tor')
    files.append_line(path, b'{"a": 2}\n')
    assert files.read_sound_lines(path) == [{"a": 1}, {"a": 2}]


def test_a_lock_that_is_a_link_leaves_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / locking.LOCK_NAME).symlink_to(tmp_path / "mine")
    with locking.folder_lock(tmp_path / "out"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_lines_end_at_line_feeds_alone() -> None:
    assert files.split_lines("a\u2028b\x85c\r\nd\n") == ["a\u2028b\x85c", "d"]


def test_a_torn_last_line_is_ignored_and_a_torn_middle_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n{"a"')
    assert files.read_json_lines(path) == [{"a": 1}, {"a": 2}]
    path.write_bytes(b'{"a": 1}\n{"a"\n{"a": 2}\n')
    with pytest.raises(DataError, match="line 2"):
        files.read_json_lines(path)


def test_a_lock_is_held_against_others_and_dies_with_its_owner(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom pairaug.locking import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(OutputError, match=f"process {owner.pid}"), locking.folder_lock(tmp_path):
        pass
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()
    with locking.folder_lock(tmp_path):
        assert str(os.getpid()) in (tmp_path / locking.LOCK_NAME).read_text()
    assert not list(tmp_path.iterdir())


def test_json_lines_are_the_same_bytes_for_the_same_rows() -> None:
    rows = [{"b": 1.5, "a": "ü"}, {"c": None}]
    assert files.json_lines(rows) == files.json_lines(json.loads(json.dumps(rows)))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000], ids=["lists", "objects"])
def test_json_nested_too_deeply_is_no_json(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(text)
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(DataError, match="not a manifest of this pairaug"):
        read_manifest(tmp_path)


def test_a_probe_that_could_not_be_removed_at_first_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, failures = os.unlink, [OSError(errno.EIO, "Input/output error")]

    def unlink(path: object, **named: object) -> None:
        if failures:
            raise failures.pop()
        original(path, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(StorageError):
        files.probe_output(tmp_path)
    assert not list(tmp_path.iterdir())
