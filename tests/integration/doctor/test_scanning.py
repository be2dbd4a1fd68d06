"""Credentials in tracked files and in run data."""

import pytest

from tests.integration.doctor.ward import Arrange, Cases, Ward, names_of

pytestmark = pytest.mark.needs("git")

CASES: Cases = {}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found
