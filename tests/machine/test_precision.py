"""The precision follows from the processor, and never computes with weights of an earlier step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pairaug.machine import precision
from pairaug.machine.precision import choose_precision, in_precision, processor_precision

QUESTIONS = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")


@pytest.fixture(autouse=True)
def _has_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)


def processor(monkeypatch: pytest.MonkeyPatch, *, tiles: bool, avx512: bool) -> None:
    for name, answer in zip(QUESTIONS, (tiles, avx512), strict=True):
        monkeypatch.setattr(torch.cpu, name, lambda answer=answer: answer, raising=False)


@pytest.mark.parametrize(
    ("tiles", "avx512", "expected"),
    [
        (True, False, torch.bfloat16),
        (False, True, torch.bfloat16),
        (True, True, torch.bfloat16),
        (False, False, torch.float32),
    ],
)
def test_either_kind_of_instructions_makes_bfloat16_the_quicker_one(
    monkeypatch: pytest.MonkeyPatch, tiles: bool, avx512: bool, expected: torch.dtype
) -> None:
    processor(monkeypatch, tiles=tiles, avx512=avx512)
    assert processor_precision() == expected


def test_without_the_library_that_uses_them_the_instructions_are_worth_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, tiles=True, avx512=True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert processor_precision() == torch.float32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16 rdpid\n", torch.bfloat16),
        ("flags : fpu amx_tile amx_bf16\n", torch.bfloat16),
        ("flags : fpu avx2 avx512f\nbugs : avx512_bf16\n", torch.float32),
        ("Features\t: fp asimd bf16\n", torch.float32),  # ARM: not measured
        (None, torch.float32),
    ],
)
def test_a_torch_that_cannot_say_is_answered_by_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, expected: torch.dtype
) -> None:
    for name in QUESTIONS:
        monkeypatch.delattr(torch.cpu, name, raising=False)
    monkeypatch.setattr(precision, "_CPUINFO", tmp_path / "cpuinfo")
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert processor_precision() == expected


def test_a_weight_that_an_optimiser_has_moved_is_used_as_it_is_now() -> None:
    """A GAN takes two steps of its discriminator within one step of training."""
    layer, ones = torch.nn.Linear(4, 4), torch.ones(2, 4)
    with in_precision(torch.bfloat16):
        before = layer(ones)
        with torch.no_grad():
            layer.weight.add_(1.0)
        after = layer(ones)
    assert before.dtype == after.dtype == torch.bfloat16
    assert torch.allclose((after - before).float(), torch.tensor(4.0), atol=0.1)


def test_float32_leaves_everything_as_it_is() -> None:
    layer, ones = torch.nn.Linear(4, 4), torch.ones(2, 4)
    with in_precision(torch.float32):
        assert torch.equal(layer(ones), torch.nn.functional.linear(ones, layer.weight, layer.bias))


def test_auto_is_the_choice_of_the_processor_and_float32_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, tiles=False, avx512=True)
    assert choose_precision("auto", torch.device("cpu")) == torch.bfloat16
    assert choose_precision("auto", torch.device("cuda")) == torch.float32
    assert choose_precision("float32", torch.device("cpu")) == torch.float32
