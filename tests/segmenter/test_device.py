"""Another device than the processor: what is computed there, and what name it has.

There is no GPU where these tests run. The device ``meta`` of torch, which knows shapes and no numbers, stands for one:
torch refuses to mix it with the processor's tensors, and to bring anything back from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pairaug.errors import UsageError
from pairaug.evaluation.evaluate import EvaluationOptions
from pairaug.machine.device import choose_device
from pairaug.metrics.features import image_features
from pairaug.reporting import Reporter
from pairaug.segmenter import fit
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.fit import UNetSegmenter, _built, _loss, _training, fit_segmenter
from pairaug.segmenter.identity import identity_of
from pairaug.segmenter.presets import PRESETS, Preset
from pairaug.segmenter.reference import ReferenceSegmenter
from tests.segmenter.drawn import blobs

CPU, META = torch.device("cpu"), torch.device("meta")
SETTINGS = {"channels": 3, "classes": 3, "width": 4, "side": 64}
TWO = Preset("two", 2, 2, 2, 4, 1e-3, 0.1)


@pytest.fixture
def without_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks the device for a number: fused AdamW, and batch norm for the batches that it has counted."""
    adam, reset = torch.optim.AdamW, torch.nn.BatchNorm2d.reset_running_stats

    def counting_here(layer: torch.nn.BatchNorm2d) -> None:
        reset(layer)
        layer.num_batches_tracked = torch.tensor(0)

    monkeypatch.setattr(torch.optim, "AdamW", lambda *given, fused, **more: adam(*given, **more))
    monkeypatch.setattr(torch.nn.BatchNorm2d, "reset_running_stats", counting_here)


def drawn() -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)


@pytest.mark.usefixtures("without_numbers")
def test_batches_follow_the_network_to_its_device() -> None:
    network = _built(SETTINGS, 0).to(META)
    assert sum(1 for _ in _training(network, drawn(), 2, 1e-3)) == 2
    fit._settle(network, drawn())
    assert {weight.device for weight in network.parameters()} == {META}


def test_a_batch_that_stayed_behind_would_be_noticed() -> None:
    pictures, shares = next(drawn())
    network = _built(SETTINGS, 0).to(META)
    with pytest.raises(RuntimeError):
        _loss(fit._logits(network, pictures), shares)


def test_a_prediction_is_computed_where_the_weights_are_and_brought_back() -> None:
    segmenter = UNetSegmenter(_built(SETTINGS, 0).to(META), SETTINGS)
    with pytest.raises(NotImplementedError, match="out of meta tensor"):
        segmenter.predict(np.zeros((50, 70, 3)))


@pytest.mark.usefixtures("without_numbers")
def test_a_fit_computes_on_the_device_that_it_is_given() -> None:
    seen: list[UNetSegmenter] = []
    with pytest.raises(StopIteration):
        fit_segmenter(Recipe(blobs(0, 2)), 3, TWO, 0, Reporter(), look=partial(_look, seen), device=META)
    assert next(seen[0].network.parameters()).device == META


def _look(seen: list[UNetSegmenter], steps: int, segmenter: UNetSegmenter) -> None:
    seen.append(segmenter)
    raise StopIteration


def test_features_are_computed_on_the_device_that_they_are_given() -> None:
    image = np.random.default_rng(0).random((40, 30, 1))
    with pytest.raises(NotImplementedError, match="out of meta tensor"):
        image_features(image, META)
    assert (image_features(image, CPU) == image_features(image)).all()


def test_a_segmenter_of_another_device_has_another_name_and_that_of_the_processor_the_old_one() -> None:
    names = {identity_of(PRESETS["quick"], torch.device(kind)) for kind in ("cpu", "cuda", "mps")}
    assert len(names) == 3
    assert identity_of(PRESETS["quick"], CPU) == identity_of(PRESETS["quick"]) == ReferenceSegmenter("quick").name
    assert ReferenceSegmenter("quick", device=torch.device("cuda:1")).name.partition(" float32 on cuda recipe")[1]


def test_what_is_fitted_on_the_processor_is_stored_and_read_for_any_device(tmp_path: Path) -> None:
    fitted = fit_segmenter(Recipe(blobs(0, 2)), 3, TWO, 0, Reporter(), device=CPU)
    fitted.save(tmp_path / "s")
    again = ReferenceSegmenter("quick", device=META).load(tmp_path / "s")
    assert next(again.network.parameters()).device == META
    assert fit.load_segmenter(tmp_path / "s").predict(blobs(9, 1)[0].image).shape == blobs(9, 1)[0].labels.shape


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="--device cuda: not available on this machine; choose cpu"):
        EvaluationOptions(device="cuda")


def test_of_several_gpus_each_process_names_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is started later begins with the first GPU, whichever its process has chosen."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    assert choose_device("cuda") == choose_device("auto") == torch.device("cuda", 3)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
