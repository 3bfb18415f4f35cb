"""nnU-Net itself plans, trains and validates on a set in folds, by our splits. Opt-in: ``pip install '.[readers]'``.

Two folds for two steps each. The trainer below is nnU-Net's own, and tells the cases of each batch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pairaug.files import digest_file
from pairaug.synthesis.folds.run import synthesize_folds
from tests.synthesis.patients import BY_PATIENT, FOLDS, digests_of, in_folds, parents_of
from tests.synthesis.two_pairs import rows_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SET = "Dataset502_Folds"
# Given to the interpreter: nnUNetv2_train would look for the trainer in every module of nnU-Net, some of which need
# packages that these steps do not.
TRAINING = """
import sys
import torch
from nnunetv2.run import run_training
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

class FewSteps(nnUNetTrainer):
    def on_train_start(self):
        self.num_epochs, self.num_iterations_per_epoch, self.num_val_iterations_per_epoch = 1, 2, 1
        super().on_train_start()

    def train_step(self, batch):
        self.print_to_log_file("trains on", *batch["keys"])
        return super().train_step(batch)

    def validation_step(self, batch):
        self.print_to_log_file("validates on", *batch["keys"])
        return super().validation_step(batch)

run_training.recursive_find_trainer_class_by_name = lambda name: FewSteps
run_training.run_training("502", "2d", int(sys.argv[1]), device=torch.device("cpu"))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """nnU-Net's folders, and the variables that keep it to one process."""
    pytest.importorskip("nnunetv2")
    root = tmp_path_factory.mktemp("nnunet")
    names = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
    for name in names:
        (root / name).mkdir()
    single = {"nnUNet_n_proc_DA": "1", "nnUNet_def_n_proc": "1", "OMP_NUM_THREADS": "1", "nnUNet_compile": "f"}
    return {**{name: str(root / name) for name in names}, **single}


def ran(folders: dict[str, str], *words: str) -> str:
    command = shutil.which(words[0], path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert command, words[0]
    done = subprocess.run([command, *words[1:]], env={**os.environ, **folders}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prepared(patients: Path, folders: dict[str, str]) -> Path:
    """The set in folds, preprocessed, with its splits where nnU-Net looks for them."""
    out = Path(folders["nnUNet_raw"], SET)
    synthesize_folds(patients, out, in_folds(out.parent.parent / "models", "nnunet"), selection=BY_PATIENT)
    words = ("-d", "502", "-c", "2d", "--verify_dataset_integrity", "-np", "1", "-npfp", "1")
    ran(folders, "nnUNetv2_plan_and_preprocess", *words)
    shutil.copy(out / "splits_final.json", Path(folders["nnUNet_preprocessed"], SET))
    return out


@pytest.mark.parametrize("fold", [0, 1])
def test_nnunet_trains_by_our_splits_and_on_no_child_of_what_it_validates_on(
    patients: Path, folders: dict[str, str], prepared: Path, fold: int
) -> None:
    alone = {**folders, "nnUNet_n_proc_DA": "0"}  # augments in its own process; planning does not take 0
    told = ran(alone, sys.executable, "-c", TRAINING, str(fold))
    split = json.loads((prepared / "splits_final.json").read_text())[fold]
    assert f"The split file contains {FOLDS} splits." in told
    wanted = f"This split has {len(split['train'])} training and {len(split['val'])} validation cases."
    assert wanted in told
    assert "Some validation cases are also in the training set" not in told

    rows = {Path(str(row["mask_file_name"])).stem: row for row in rows_of(prepared)}
    trained, validated = (cases_told(told, word) for word in ("trains on", "validates on"))
    results = next(Path(folders["nnUNet_results"]).glob(f"*/FewSteps__*/fold_{fold}/validation"))
    predicted = {path.stem for path in results.glob("*.png")}
    assert trained
    assert trained <= {*split["train"]}
    assert validated <= predicted == {*split["val"]}
    assert {rows[case]["origin"] for case in predicted} == {"original"}

    held_out = {digest for case in predicted for digest in digests_of(patients, case[0])}
    for case in split["train"]:
        if rows[case]["origin"] == "synthetic":
            assert held_out.isdisjoint(parents_of(rows[case]))
        else:
            assert held_out.isdisjoint({digest_file(path) for path in patients.rglob(f"{case}.png")})
    assert any(rows[case]["origin"] == "synthetic" for case in split["train"])


def cases_told(told: str, word: str) -> set[str]:
    return {case for line in re.findall(rf"{word} (.+)", told) for case in line.split()}
