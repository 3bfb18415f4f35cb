"""What contributors are told holds: the workflow runs what is supported, and the words in the texts exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / ".github"
OWN = sorted(HUB.glob("*.md"))
PAGES = [*OWN, ROOT / "README.md", *sorted((ROOT / "examples").rglob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOW = (HUB / "workflows/ci.yml").read_text()


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def listed(key: str) -> list[str]:
    """The versions that the workflow's matrix lists for ``key``."""
    found = re.search(rf"{key}: \[(.*)\]", WORKFLOW)
    assert found is not None
    return [word.strip(' "') for word in found[1].split(",")]


def test_the_workflow_begins_with_the_lowest_python_that_is_supported() -> None:
    assert f">={listed('python')[0]}" == PROJECT["requires-python"]
    assert WORKFLOW.count("- run: .ci/run") == 2


def test_the_workflow_tries_both_ends_of_the_range_of_torch() -> None:
    lowest, highest = listed("torch")
    (allowed,) = [name for name in PROJECT["dependencies"] if name.startswith("torch")]
    major, minor = highest.split(".")
    assert allowed == f"torch>={lowest},<{major}.{int(minor) + 1}"


def anchors(page: Path) -> set[str]:
    """What the headings of a page can be linked to by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", page.read_text()):
        assert (page.parent / target).exists(), target
        assert not anchor or anchor in anchors(page.parent / target if target else page), anchor


@pytest.mark.parametrize("page", [page for page in OWN if page.name != "CHANGELOG.md"], ids=name_of)
def test_the_paths_that_a_page_names_exist(page: Path) -> None:
    places = (ROOT, ROOT / "src/pairaug", ROOT / "tests", ROOT / "tests/synthesis", ROOT / "src/pairaug/synthesis")
    named = set(re.findall(r"`([\w./]+/[\w./]*|[\w/]+\.py)`", page.read_text()))
    missing = [name for name in named if not any((p / name).exists() or (p / f"{name}.py").exists() for p in places)]
    assert not missing
