"""Others read what pairaug writes. Opt-in: needs the ``datasets`` package (``-m slow``)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairaug.synthesis.run import SynthesisOptions, synthesize


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_image_folder_reader_of_datasets_loads_pairs(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    synthesize(tmp_path / "out", SynthesisOptions(4, fitted))
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    rows = loaded["train"]
    assert len(rows) == 4
    for row in rows:
        assert row["image"].size == row["mask"].size == (96, 96)
        assert row["image"].mode == "RGB"
        assert set(row["mask"].getdata()) <= {0, 255}
