"""``pairaug demo`` on a smaller scale; the whole takes about a minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pairaug.cli import demo
from tests.conftest import Cli


def test_the_demo_walks_the_whole_road_and_names_a_sheet_to_look_at(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAIRS": 4, "SIDE": 64, "SYNTHETIC": 3, "SHOWN": 2}.items():
        monkeypatch.setattr(demo, name, value)
    ran = cli("demo")
    assert ran.code == 0, ran.err
    sheet = Path(ran.out.strip())
    assert sheet == Path("pairaug-demo/contact-sheet.png")
    with Image.open(sheet) as picture:
        assert picture.width > 900
    for command in ("check", "fit-masks", "fit-translator", "synthesize", "verify"):
        assert f"$ pairaug {command} pairaug-demo" in ran.err or f"$ pairaug {command} --count" in ran.err
    assert cli("verify", "pairaug-demo/augmented").code == 0
    assert cli("demo").code == 0
