"""Scratch folders of processes that run side by side."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from pairaug.locking import scratch_folder


def test_a_scratch_folder_that_another_process_took_for_stale_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    make = tempfile.mkdtemp

    def removed_at_once(prefix: str) -> str:
        folder = make(prefix=prefix, dir=tmp_path)
        made.append(Path(folder))
        if len(made) == 1:
            shutil.rmtree(folder)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", removed_at_once)
    with scratch_folder("pairaug-test-") as folder:
        assert folder == made[1]
        assert folder.is_dir()
    assert not list(tmp_path.iterdir())


def test_the_folder_of_a_process_at_work_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder("pairaug-test-") as one, scratch_folder("pairaug-test-") as other:
        assert one != other
        assert one.is_dir()
