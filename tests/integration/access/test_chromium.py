"""A real browser joins with a passkey, signs in with it, and what it made is what a file of signers takes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error

from babysitter.model.errors import CredentialError
from babysitter.service.access.people import begin_joining, finish_joining
from tests.integration.passkeys.browser import Passkeys, chromium, passkeys_at, serving
from tests.unit.access.building import ALICE, BOB, SETTINGS, URL, House, build

pytestmark = [pytest.mark.promise("G19"), pytest.mark.needs("chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with serving() as port:
        yield f"http://localhost:{port}"


@pytest.fixture
def passkeys(browser: Browser, origin: str) -> Iterator[Passkeys]:
    with passkeys_at(browser, origin) as passkeys:
        yield passkeys


@pytest.fixture
def house(tmp_path: Path, origin: str) -> House:
    return build(tmp_path, settings=SETTINGS.replace(URL, origin))


def join(house: House, passkeys: Passkeys) -> str:
    """Return the line for the file of signers of a passkey that the browser made for Bob."""
    _, code = house.entrance.passkeys.invite(BOB, by=ALICE, may_sign=False)
    begun = begin_joining(house.entrance, code)
    answer = passkeys.page.evaluate("options => register(options)", plain(begun.options))
    added = finish_joining(house.entrance, house.workspace, code=code, answer=answer, cookie=begun.cookie)
    return added.signers_line


def plain(options: object) -> object:
    """Return what comes out of the JSON that a page gets."""
    return json.loads(json.dumps(options))


def test_a_browser_joins_and_signs_in_without_saying_who_it_is(house: House, passkeys: Passkeys) -> None:
    line = join(house, passkeys)
    begun = house.entrance.ceremonies.begin_sign_in()

    answer = passkeys.page.evaluate("options => sign(options)", plain(begun.options))
    signed_in = house.entrance.sign_in_with_passkey(answer, begun.cookie)

    assert house.entrance.by_session(signed_in.cookie).name == BOB
    assert answer["response"]["userHandle"]
    assert line.startswith(f'{BOB} namespaces="babysitter-*" sk-ecdsa-sha2-nistp256@openssh.com ')


def test_a_browser_s_answer_counts_once_and_for_one_cookie(house: House, passkeys: Passkeys) -> None:
    join(house, passkeys)
    begun, other = (house.entrance.ceremonies.begin_sign_in() for _ in range(2))
    answer = passkeys.page.evaluate("options => sign(options)", plain(begun.options))

    with pytest.raises(CredentialError):
        house.entrance.sign_in_with_passkey(answer, other.cookie)
    house.entrance.sign_in_with_passkey(answer, begun.cookie)
    with pytest.raises(CredentialError):
        house.entrance.sign_in_with_passkey(answer, begun.cookie)


def test_a_device_that_has_a_passkey_makes_no_second_one(house: House, passkeys: Passkeys) -> None:
    join(house, passkeys)

    with pytest.raises(Error, match="InvalidStateError"):
        join(house, passkeys)
