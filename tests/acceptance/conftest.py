"""The wheel, built and installed once for all acceptance tests."""

import pytest

from tests.acceptance.built_wheel import Installed, build_wheel, install


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel and install it; once for all tests."""
    return install(build_wheel(tmp_path_factory.mktemp("workshop")), tmp_path_factory.mktemp("user"))
