"""The matrix of ``make bench`` as a test: an awkward secret in 45 ways, and which of them may leak."""

import pytest

from benchmarks.disguises import AWKWARD, MATRIX, has_run_of, leaking


@pytest.mark.promise("G08")
def test_of_45_ways_to_write_a_secret_two_are_known_to_leak() -> None:
    """Both stand in docs/reference/secrets.md as not covered; when one is, page and test change."""
    assert len(MATRIX) == 45
    assert sorted(leaking()) == ["gzip in base64", "hex dump with offsets"]


def test_the_matrix_counts_what_it_should() -> None:
    """Nothing masked at all leaks in every row."""
    for name, write in MATRIX.items():
        given = write(AWKWARD)
        written = given if isinstance(given, bytes) else given.encode()
        assert has_run_of(written, b"before " + written + b" after"), name
        assert not has_run_of(written, b"before ${secret:env:A} after"), name
