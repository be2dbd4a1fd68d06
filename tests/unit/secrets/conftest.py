"""Here every search goes by the sieve, which a process makes only once it has searched much."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _sieve_from_the_first_byte_on() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("babysitter.secrets.search._SIEVE_AFTER_BYTES", -1)
        yield
