"""The one reader of safetensors headers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from safetensors.torch import save

from pairaug.fitted.header import MAX_HEADER, header_length, read_metadata

TEXTS = {"pairaug": '{"é": 1}', "run": "x"}


def saved() -> bytes:
    return bytes(save({"weights": torch.zeros(3, 5), "bias": torch.zeros(7)}, metadata=TEXTS))


def with_header(content: Any, rest: bytes = b"") -> bytes:
    header = json.dumps(content).encode()
    return len(header).to_bytes(8, "little") + header + rest


def test_the_texts_are_those_that_were_saved() -> None:
    assert read_metadata(saved()) == TEXTS
    assert read_metadata(bytes(save({"weights": torch.zeros(2)}))) == {}
    assert header_length(saved()) == len(saved()) - 8 - 4 * (3 * 5 + 7)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a header of 0 bytes in a file of 0"),
        (saved()[:7], "in a file of 7"),
        (saved()[:40], "in a file of 40"),
        (saved()[:-1], "a size that differs"),
        (saved() + b"1", "a size that differs"),
        ((MAX_HEADER + 1).to_bytes(8, "little") + b" " * (MAX_HEADER + 1), "a header of 1048577 bytes"),
        (with_header([]), "not one of safetensors"),
        (with_header({"a": 1}), "not one of safetensors"),
        (with_header({"a": {"data_offsets": [0]}}), "not one of safetensors"),
        (with_header({"__metadata__": []}), "not one of safetensors"),
        (with_header({"a": {"data_offsets": [0, 2**62]}}), "a size that differs"),
        ((60_000).to_bytes(8, "little") + b"[" * 60_000, "nested too deeply"),
        ((3).to_bytes(8, "little") + b"{x}", "property name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",  # the order of the texts in a file differs
)
def test_a_header_that_lies_is_a_value_error_that_says_how(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_metadata(data)
