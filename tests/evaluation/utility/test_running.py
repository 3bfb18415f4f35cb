"""Running: what it costs, what is saved, and what a kill costs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pairaug.errors import Interrupted
from pairaug.evaluation.utility.lazy_pairs import LazyExamples
from pairaug.evaluation.utility.options import Share
from pairaug.evaluation.utility.slender import slender_classes
from tests.evaluation.utility.fakes import DrawnCase, draw, items

ALL = 5 * 3 + 3 * 3 * 3  # five arms at the models' pairs, three real ones at 2, 10 and 20, three seeds


def test_the_time_is_told_before_anything_runs(case: DrawnCase) -> None:
    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        case.measure(case.trainer(before=stop))
    assert (
        f"utility: {ALL} cells (5 arms at 5 real pairs, the learning curve also at 2, 10, 20; 3 seeds), 0 saved; "
        f"about {ALL} min" in case.listener.notes
    )


def test_a_time_budget_leaves_out_the_least_informative_cells_and_names_them(case: DrawnCase) -> None:
    trainer = case.trainer(gain={0.5: 0.05})
    found = case.measure(trainer, max_seconds=6.5 * 60)
    assert len(trainer.fits) == 6
    assert found.word == "helps"
    assert len(found.left_out) == 3 + 3 * 3
    assert found.left_out[0] == "real, 5 pairs, seeds 0, 1, 2"
    assert any("of which --max-minutes allows 6 min" in note for note in case.listener.notes)
    assert found.worth.reason == "the learning curve needs two points and has 1"


def test_a_slow_machine_is_noticed_before_the_budget_is_broken(case: DrawnCase) -> None:
    trainer = case.trainer(pace=120.0)
    case.measure(trainer, max_seconds=9 * 60)
    assert len(trainer.fits) == 4
    assert trainer.clock <= 9 * 60


def test_a_run_that_takes_far_longer_than_expected_is_given_up_and_named(case: DrawnCase) -> None:
    trainer = case.trainer(pace=1000.0)
    found = case.measure(trainer, max_seconds=9 * 60)
    assert len(trainer.fits) == 1
    assert found.arms == ()
    assert found.left_out[0].startswith("real + classical, 5 pairs, seeds 0")
    patient = case.trainer(pace=580.0)
    assert [arm.runs for arm in case.measure(patient, max_seconds=9 * 60).arms] == [1]


def test_a_budget_too_small_for_any_cell_cannot_tell(case: DrawnCase) -> None:
    found = case.measure(case.trainer(), max_seconds=10)
    assert found.word == "cannot tell"
    assert "no run of the arm has its partner yet" in found.sentence
    assert len(found.left_out) == 5 + 3 * 3
    assert json.dumps(found.to_json(), allow_nan=False)


def test_a_budget_still_reads_what_is_saved(case: DrawnCase) -> None:
    whole = case.measure(case.trainer())
    trainer = case.trainer()
    assert case.measure(trainer, max_seconds=1).to_json() == whole.to_json()
    assert trainer.fits == []


def test_a_lone_cell_without_its_partner_does_not_count(case: DrawnCase) -> None:
    found = case.measure(case.trainer(), max_seconds=5.5 * 60)
    assert next(c for c in found.differences if c.arm == "real + classical + synthetic").runs == 2
    assert found.left_out[0] == "real + classical + synthetic, 5 pairs, seed 2"


def test_an_interruption_loses_at_most_the_cell_under_way(case: DrawnCase) -> None:
    def stop(count: int) -> None:
        if count == 4:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as end:
        case.measure(case.trainer(before=stop))
    assert end.value.exit_code == 130
    assert f"4 of {ALL} cells are saved; the same command continues" in end.value.message
    trainer = case.trainer()
    resumed = case.measure(trainer)
    assert len(trainer.fits) == ALL - 4
    other = DrawnCase(case.cells.parent / "elsewhere")
    assert resumed.to_json()["differences"] == other.measure(other.trainer()).to_json()["differences"]


def test_a_run_killed_for_good_loses_at_most_one_cell(case: DrawnCase) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom pairaug.evaluation.utility import sides\n"
        "from tests.evaluation.utility.fakes import FIVE, DrawnCase, NoCopies\n"
        "sides.Detector = NoCopies\n"
        "case = DrawnCase(Path(sys.argv[1]))\n"
        "def wait(count):\n    if count == 3:\n        print('ready', flush=True)\n        sys.stdin.read()\n"
        "case.measure(case.trainer(before=wait))\n"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", code, str(case.cells)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGKILL)
    trainer = case.trainer()
    case.measure(trainer)
    assert len(trainer.fits) == ALL - 3


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_cells_under_way_and_the_command_with_them(case: DrawnCase, sent: signal.Signals) -> None:
    code = (
        "import sys, threading\nfrom pathlib import Path\nfrom pairaug.errors import Interrupted\n"
        "from pairaug.evaluation.utility import sides\n"
        "from tests.evaluation.utility.fakes import FIVE, DrawnCase, FakeTrainer, NoCopies\n"
        "sides.Detector = NoCopies\n"
        "both = threading.Barrier(2, action=lambda: print('ready', flush=True))\n"
        "class Endless(FakeTrainer):\n"
        "    def fit(self, recipe, classes, seed, reporter, look=None):\n"
        "        both.wait()\n"
        "        while True:\n            reporter.progress(1, 2, 'steps')\n"
        "case = DrawnCase(Path(sys.argv[1]))\n"
        "try:\n    case.measure(Endless(case.test), workers=2)\n"
        "except Interrupted as end:\n    print(end.exit_code, end.message, flush=True)\n"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", code, str(case.cells)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(sent)
        try:
            told, _ = child.communicate(timeout=60)
        finally:
            child.kill()
    assert told == f"{128 + sent} interrupted; 0 of {ALL} cells are saved; the same command continues\n"


def test_the_same_run_again_fits_nothing_and_says_the_same(case: DrawnCase) -> None:
    first = case.measure(case.trainer()).to_json()
    trainer = case.trainer()
    assert case.measure(trainer).to_json() == first
    assert trainer.fits == []
    assert any("nothing left to do" in note for note in case.listener.notes)


@pytest.mark.parametrize("damage", [b"", b"{}", b"not json", None])
def test_a_damaged_cell_is_made_again_with_a_warning(case: DrawnCase, damage: bytes | None) -> None:
    first = case.measure(case.trainer()).to_json()
    path = sorted(case.cells.glob("*.json"))[0]
    data = path.read_bytes()
    if damage is None:  # a figure that somebody changed
        content = json.loads(data)
        content["cell"]["looks"][0]["items"][0]["dice"] = [0.999]
        damage = json.dumps(content).encode()
    path.write_bytes(damage)
    trainer = case.trainer()
    assert case.measure(trainer).to_json()["differences"] == first["differences"]
    assert len(trainer.fits) == 1
    assert len(case.listener.warnings) == 1
    assert "is damaged" in case.listener.warnings[0]
    assert path.read_bytes() == data


@pytest.mark.parametrize("change", ["ruler", "test", "synthetic", "share", "real"])
def test_a_cell_is_not_used_for_another_question(case: DrawnCase, change: str) -> None:
    arms = {"arms": ("classical", "synthetic"), "curve": (), "seeds": 1}
    case.measure(case.trainer(), **arms)
    again, expected, fitting = case.trainer(), 2, None
    if change == "ruler":
        again.name = "another"
    elif change == "test":
        case.test = case.test[:-1]
    elif change == "synthetic":
        case.synthetic, expected, fitting = case.synthetic[:-1], 1, case.fitting()
    elif change == "share":
        arms["shares"], expected = (Share(0.3),), 1
    else:
        case.seen = 6
    case.measure(again, fitting, **arms)
    assert len(again.fits) == expected


def test_models_of_twenty_pairs_use_the_cells_of_models_of_five(case: DrawnCase) -> None:
    """real + classical at the same pairs is the same run, whether they are the models' own or the curve's."""
    case.real = case.real[:20]
    case.measure(case.trainer(), arms=("classical", "synthetic"))
    case.seen = 20
    trainer = case.trainer()
    case.measure(trainer, arms=("classical", "synthetic"), curve=())
    assert [recipe.synthetic_share for recipe, _ in trainer.fits] == [0.5] * 3


def test_examples_are_decoded_when_looked_at_and_few_are_kept() -> None:
    decoded: list[str] = []
    pairs = items(0, 20, "real")
    for index, item in enumerate(pairs):
        object.__setattr__(item, "read", lambda n=index: (decoded.append(str(n)), draw(n))[1])
    examples = LazyExamples(pairs, kept=4)
    assert decoded == []
    assert [examples[n].labels is draw(n).labels for n in (3, 3, 3)] == [True] * 3
    assert decoded == ["3"]
    assert len(list(examples)) == 20
    assert len(examples._held) == 4
    assert len(examples[2:5]) == 3
    with pytest.raises(IndexError):
        examples[20]


def test_thin_structures_are_told_from_blobs(drive: Path, cells: Path) -> None:
    from PIL import Image

    from pairaug.segmenter.base import Example

    def of(folder: Path) -> list[Example]:
        masks = [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]
        maps = [np.searchsorted(np.unique(mask), mask).astype(np.uint8) for mask in masks]
        return [Example(np.zeros((*mask.shape, 1), np.float32), mask) for mask in maps]

    assert slender_classes(of(drive / "masks"), 2) == (1,)
    assert slender_classes(of(cells / "GT"), 3) == ()


def test_centreline_scores_are_kept_for_thin_structures(case: DrawnCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairaug.evaluation.utility.run.slender_classes", lambda test, classes: (1,))
    found = case.measure(case.trainer(gain={0.5: 0.05}), curve=(), arms=("classical", "synthetic"))
    assert {c.measure for c in found.differences} == {"dice", "cldice"}
    assert all(arm.cldice is not None for arm in found.arms)
    trainer = case.trainer()
    again = case.measure(trainer, curve=(), arms=("classical", "synthetic"))
    assert again.to_json() == found.to_json()
    assert trainer.fits == []
