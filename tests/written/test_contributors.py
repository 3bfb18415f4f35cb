"""What contributors are told holds: the workflow runs what is supported, and the words in the texts exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / ".github"
PAGES = sorted(HUB.glob("*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOW = (HUB / "workflows/ci.yml").read_text()


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_the_paths_that_a_page_names_exist(page: Path) -> None:
    places = (ROOT, ROOT / "src/pairaug", ROOT / "tests", ROOT / "tests/synthesis", ROOT / "src/pairaug/synthesis")
    named = set(re.findall(r"`([\w./]+/[\w./]*|[\w/]+\.py)`", page.read_text()))
    missing = [name for name in named if not any((p / name).exists() or (p / f"{name}.py").exists() for p in places)]
    assert not missing
