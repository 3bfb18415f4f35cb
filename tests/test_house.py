"""The structure of the code: who may know whom, and what a quick command must not load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pairaug
from pairaug.registry import MODELS

ROOT = Path(pairaug.__file__).parent
FLOORS = {
    "errors": 0, "registry": 0, "json_text": 0, "windows": 0, "files": 0, "locking": 0, "reporting": 0,
    "machine": 1, "pairs": 2, "models": 3, "arrays": 4, "metrics": 4, "report": 5, "fitted": 5,
    "segmenter": 6, "gates": 7, "training": 8, "synthesis": 9, "evaluation": 10, "api": 11, "cli": 12,
}  # fmt: skip
# Inside a room: its modules and inner rooms from the ground up, those of one entry beside each other.
STAIRS = {
    "evaluation": ("sets", "parts", "utility", "evaluate", "views"),
    "report": ("sheets curves figure", "contact", "page"),
    "report.page": (
        "markup numbers contents", "svg parts", "charts histogram", "plots steps_plot pictures tables",
        "findings_section pairs_section training_section", "document",
    ),
    "segmenter": (
        "base network presets decision", "frames identity folds", "augment pasting recolouring", "changes", "batches",
        "fit", "reference",
    ),
}  # fmt: skip
HEAVY = ("torch", "scipy", "skimage")


def modules_of(tree: ast.Module) -> set[str]:
    """Modules of pairaug that a module imports when it runs; imports for the type checker alone do not count."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            skipped |= set(ast.walk(node))
    found = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        if isinstance(node, ast.ImportFrom) and node.module:  # ``from pairaug.room import module``
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.removeprefix("pairaug.") for name in names if name.startswith("pairaug.")}
    return found


def climbs(source: str, floor: int) -> set[str]:
    rooms = {name.split(".")[0] for name in modules_of(ast.parse(source))}
    return {room for room in rooms if FLOORS.get(room, -1) > floor}


def step_of(room: str, module: str) -> int | None:
    """The step of a module on the stairs of a room; None: it is not in that room, or the room itself."""
    inner = module.removeprefix(f"{room}.").split(".")[0] if module.startswith(f"{room}.") else ""
    return next((step for step, beside in enumerate(STAIRS[room]) if inner in beside.split()), None)


def climbs_inside(source: str, module: str) -> set[str]:
    """What a module (``evaluation.parts.masks``) imports from above itself in the rooms that it stands in."""
    found = set()
    for room in STAIRS:
        mine = step_of(room, module)
        for other in modules_of(ast.parse(source)):
            theirs = step_of(room, other)
            if mine is not None and theirs is not None and theirs > mine:
                found.add(other)
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_go_down_only(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return
    assert not climbs(path.read_text(), FLOORS[room])


def test_an_import_that_climbs_is_noticed() -> None:
    assert climbs("from pairaug.cli.app import run", FLOORS["pairs"]) == {"cli"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("room", STAIRS)
def test_imports_go_down_inside_a_room_too(room: str) -> None:
    paths = sorted((ROOT / room.replace(".", "/")).rglob("*.py"))
    names = [name_of(path) for path in paths]
    assert [name for name in names if name != room and step_of(room, name) is None] == []
    assert {name: found for name, path in zip(names, paths, strict=True)
            if (found := climbs_inside(path.read_text(), name))} == {}  # fmt: skip


def test_an_import_that_climbs_inside_a_room_is_noticed() -> None:
    assert climbs_inside("from pairaug.evaluation.views.page import page_of", "evaluation.utility.result")
    assert climbs_inside("from pairaug.report import page", "report.sheets") == {"report.page"}
    assert not climbs_inside("from pairaug.evaluation.utility.result import Utility", "evaluation.views.page")


def test_no_module_imports_itself_by_way_of_others() -> None:
    sources = {name_of(path): path.read_text() for path in ROOT.rglob("*.py")}
    graph = {name: modules_of(ast.parse(source)) & sources.keys() - {name} for name, source in sources.items()}
    assert list(TopologicalSorter(graph).static_order())  # CycleError names the ring


GLOBAL_SEEDS = ("torch.manual_seed", "torch.random", "torch.seed", "np.random.seed", "random.seed", "set_rng_state")


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_seeds_or_keeps_a_global_random_state(path: Path) -> None:
    """Threads share it: every draw comes from a generator that is handed in."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [call for call in calls if call.startswith(GLOBAL_SEEDS)]


def loaded_by(*arguments: str) -> tuple[int, list[str]]:
    """Exit code and heavy modules of ``pairaug ARGUMENTS`` in a fresh process."""
    code = (
        "import sys\nfrom pairaug.cli.app import run\n"
        "try:\n    run()\nexcept SystemExit as end:\n"
        f"    print('LOADED', end.code or 0, *[m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    process = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    words = next(line for line in process.stdout.splitlines() if line.startswith("LOADED")).split()
    return int(words[1]), words[2:]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["fit-masks", "--help"], 0),
        (["synthesize", "--no-such-flag"], 2),
        (["fit-translator", "--epochs", "0", "nowhere"], 2),
    ],
)
def test_a_quick_command_loads_nothing_heavy(arguments: list[str], code: int) -> None:
    assert loaded_by(*arguments) == (code, [])


def test_a_dry_run_loads_no_torch(drive: Path, fitted: Path) -> None:
    assert loaded_by("fit-translator", str(drive), "--dry-run") == (0, [])
    assert loaded_by("synthesize", "--out", "out", "--models", str(fitted), "--dry-run") == (0, [])


def test_a_command_that_needs_torch_is_seen_to_load_it() -> None:
    assert "torch" in loaded_by("models")[1]


def test_importing_pairaug_loads_nothing_heavy() -> None:
    code = f"import pairaug, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


KNOWS_MODELS = ("registry.py", "models/", "training/objectives/")


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(ROOT.rglob("*.py")) if not p.relative_to(ROOT).as_posix().startswith(KNOWS_MODELS)],
    ids=lambda p: p.relative_to(ROOT).as_posix(),
)
def test_no_module_but_the_registry_knows_a_model_by_name(path: Path) -> None:
    tree = ast.parse(path.read_text())
    described = {
        id(part.value) for part in ast.walk(tree) if isinstance(part, ast.Expr)
    }  # docstrings may name examples
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described
    ]
    assert not [text for text in texts if set(re.findall(r"[a-z0-9]+", text)) & set(MODELS)]
