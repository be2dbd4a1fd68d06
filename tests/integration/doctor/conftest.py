"""A workspace to examine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.doctor.ward import Ward


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path)
    yield made
    for held in made.keep:
        held.close()
