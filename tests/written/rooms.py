"""The rooms of the code and who knows whom, read from the imports."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.test_house import FLOORS, ROOT

GROUND = "ground floor"


@dataclass(frozen=True)
class Room:
    """``line``: what its docstring says first; ``knows``: the rooms that it imports, of which ``implied`` are also
    known through another one.
    """

    name: str
    floor: int
    line: str
    knows: frozenset[str]
    implied: frozenset[str] = frozenset()


def rooms(root: Path = ROOT) -> list[Room]:
    """All rooms, the top floor first; the modules of the ground floor are taken together."""
    found = [_room(folder) for folder in root.iterdir() if (folder / "__init__.py").is_file()]
    ground = [name for name, floor in FLOORS.items() if floor == 0 and (root / f"{name}.py").is_file()]
    found.append(Room(GROUND, 0, ", ".join(sorted(ground)) + ".", frozenset()))
    by_name = {room.name: room for room in found}
    told = [Room(room.name, room.floor, room.line, room.knows, _implied(room, by_name)) for room in found]
    return sorted(told, key=lambda room: (-room.floor, room.name))


def rooms_of(tree: ast.Module) -> set[str]:
    """The rooms that a module imports when it runs; imports for the type checker alone do not count."""
    passed: set[ast.AST] = set()
    found = set()
    for node in ast.walk(tree):  # an ``if`` comes before what it holds
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            passed |= set(ast.walk(node))
        if node in passed:
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        found |= {name.split(".")[1] for name in names if name.startswith("pairaug.")}
    return found


def _room(folder: Path) -> Room:
    paths = sorted(folder.rglob("*.py"))
    knows = set().union(*(rooms_of(ast.parse(path.read_text())) for path in paths)) - {folder.name}
    line = (ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or "").split("\n\n")[0]
    first = " ".join(line.split()).split(". ")[0]
    first += "" if first.endswith((".", "?")) else "."
    known = frozenset(GROUND if FLOORS[name] == 0 else name for name in knows)
    return Room(folder.name, FLOORS[folder.name], first, known)


def _implied(room: Room, by_name: dict[str, Room]) -> frozenset[str]:
    """The rooms that ``room`` knows of which another one that it knows knows too, directly or not."""
    through: set[str] = set()
    waiting = [by_name[name] for name in room.knows]
    while waiting:
        further = waiting.pop().knows - through
        through |= further
        waiting += [by_name[name] for name in further]
    return room.knows & through
