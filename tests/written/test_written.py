"""What is written from the code is not behind it."""

from __future__ import annotations

import ast
import xml.etree.ElementTree
from pathlib import Path

import pytest

from tests.test_house import FLOORS, ROOT
from tests.written.files import written
from tests.written.picture import svg
from tests.written.rooms import Room, rooms, rooms_of


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_a_file_that_is_written_from_the_code_is_up_to_date(path: Path) -> None:
    assert path.read_text() == written()[path](), "run: python -m tests.written"


def test_the_picture_has_every_room_and_every_arrow() -> None:
    drawn = rooms()
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {room.name for room in drawn} == folders | {"ground floor"}
    tree = xml.etree.ElementTree.fromstring(svg(drawn))
    paths = [node for node in tree.iter() if node.tag.endswith("path")]
    assert len(paths) == 1 + sum(len(room.knows) for room in drawn)
    assert all(FLOORS[room.name] > 0 for room in drawn if room.knows)


def test_an_arrow_that_a_longer_way_implies_is_pale() -> None:
    def room(name: str, *knows: str, implied: frozenset[str] = frozenset()) -> Room:
        return Room(name, 1, "A line.", frozenset(knows), implied)

    picture = svg([room("a", "b", "c", implied=frozenset({"c"})), room("b", "c"), room("c")])
    assert picture.count('marker-end="url(#end)"') == 2
    by_name = {drawn.name: drawn for drawn in rooms()}
    assert "pairs" in by_name["cli"].implied or "pairs" not in by_name["cli"].knows
    assert "api" in by_name["cli"].knows - by_name["cli"].implied


def test_imports_for_the_type_checker_alone_are_no_arrows() -> None:
    late = "def f():\n    from pairaug.pairs import pair"
    source = f"import pairaug.files\nif TYPE_CHECKING:\n    from pairaug.cli.app import app\n{late}"
    assert rooms_of(ast.parse(source)) == {"files", "pairs"}


@pytest.mark.parametrize("name", sorted({path.parent.name for path in ROOT.glob("*/__init__.py")}))
def test_every_room_is_explained_to_contributors(name: str) -> None:
    assert f"`{name}/`" in (ROOT.parents[1] / ".github/CONTRIBUTING.md").read_text()
