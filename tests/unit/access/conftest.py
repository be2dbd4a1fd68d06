"""A house for each test."""

from pathlib import Path

import pytest

from tests.unit.access.building import House, build


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build(tmp_path)
