"""One browser and one server for the tests of a module; people with passkeys of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.integration.pages.people import Person, joined
from tests.integration.pages.served import ADA, BOB, EVE, Server, serving
from tests.integration.passkeys.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("pages") / "shop") as server:
        yield server


@pytest.fixture(scope="module")
def ada(browser: Browser, server: Server) -> Iterator[Person]:
    """A release manager and admin, who is signed in."""
    with ExitStack() as stack:
        yield joined(stack, browser, server, ADA)


@pytest.fixture(scope="module")
def bob(browser: Browser, server: Server) -> Iterator[Person]:
    """A release manager, who is signed in."""
    with ExitStack() as stack:
        yield joined(stack, browser, server, BOB)


@pytest.fixture(scope="module")
def eve(browser: Browser, server: Server) -> Iterator[Person]:
    """Who stands in for Ada, and is signed in."""
    with ExitStack() as stack:
        yield joined(stack, browser, server, EVE)


@pytest.fixture(autouse=True)
def no_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does, no page of ours breaks, and none asks for what the policy forbids."""
    yield
    names = [name for name in ("ada", "bob", "eve") if name in request.fixturenames]
    people: list[Person] = [request.getfixturevalue(name) for name in names]
    found = [error for person in people for error in person.taken_errors()]
    assert found == []


@pytest.fixture
def asked(server: Server, request: pytest.FixtureRequest) -> Callable[..., tuple[str, str]]:
    """Return what starts a run of this test's own that asks; gives its id and its question's."""

    def ask(entry: str, inputs: object = None) -> tuple[str, str]:
        run_id = f"{request.node.name[5:60].partition('[')[0].replace('_', '-')}-{len(started)}"
        started.append(run_id)
        return run_id, server.ask(entry, run_id, inputs)

    started: list[str] = []
    return ask
