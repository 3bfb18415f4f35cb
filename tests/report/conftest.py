"""A page with every part, and what it is rendered as."""

from __future__ import annotations

import pytest

from pairaug.report.page.contents import Page
from pairaug.report.page.document import render
from tests.report.example import example


@pytest.fixture(scope="module")
def page() -> Page:
    return example("cells", real_count=6, synthetic_count=12, side=64)


@pytest.fixture(scope="module")
def document(page: Page) -> str:
    return render(page)
