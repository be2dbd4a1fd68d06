"""Through apprise, for real, against servers of this machine: nothing of a text acts, nothing leaks."""

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from babysitter.model.errors import NotifyError
from babysitter.service.notify.through_apprise import AppriseService
from babysitter.service.notify.words import Letter
from tests.integration.notify.receiver import Receiver, receiving
from tests.unit.notify.telling import Taken, ask, now_ns, outbox, workspace

# The library looks for a module that Python has taken out since, at whatever it loads its services.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
LETTER = Letter(id="msg_1", title="Title", text="One line\nand another", body=b"{}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def service(url: str) -> AppriseService:
    return AppriseService(name="chat", url=url, timeout_s=10.0)


def test_a_program_that_takes_json_gets_title_and_text(receiver: Receiver) -> None:
    service(f"json://localhost:{receiver.port}/hook").send(LETTER, 1)

    (request,) = receiver.requests
    assert request.json["title"] == "Title"
    assert request.json["message"] == "One line\nand another"
    assert request.json["attachments"] == []


def test_ntfy_gets_title_and_text(receiver: Receiver) -> None:
    receiver.status, receiver.body = 200, b"{}"

    service(f"ntfy://localhost:{receiver.port}/topic").send(LETTER, 1)

    (request,) = receiver.requests
    assert request.json["topic"] == "topic"
    assert request.json["title"] == "Title"
    assert request.json["message"] == "One line\nand another"
    assert "actions" not in request.json, "there is no button that answers anything"


@pytest.mark.parametrize("url", ["json://user:S3CRET@localhost:{}/hook", "ntfy://localhost:{}/S3CRET"])
def test_what_its_service_does_not_take_is_tried_again_and_says_nothing_of_the_address(
    url: str, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor does the log of whatever program sends, such as a server, which keeps what its libraries say."""
    receiver.status, logged = 500, io.StringIO()
    handler = logging.StreamHandler(logged)
    logging.getLogger().addHandler(handler)

    with pytest.raises(NotifyError) as caught:
        service(url.format(receiver.port)).send(LETTER, 1)
    logging.getLogger().removeHandler(handler)

    assert caught.value.facts["reason"] == "away"
    shown = "".join((str(caught.value), logged.getvalue(), *capfd.readouterr()))
    assert "S3CRET" not in shown
    assert "localhost" not in shown


def test_an_address_that_apprise_does_not_know_is_said_to_be_none(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotifyError) as caught:
        service("nothing-like-it://S3CRET").send(LETTER, 1)

    assert caught.value.facts["reason"] == "settings"
    assert "S3CRET" not in "".join((str(caught.value), *capfd.readouterr()))


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as elsewhere:
        receiver.status, receiver.headers = status, {"Location": elsewhere.url}

        with pytest.raises(NotifyError):
            service(f"json://localhost:{receiver.port}/hook").send(LETTER, 1)

    assert elsewhere.requests == []


def test_a_text_is_no_template_and_its_escapes_stay(receiver: Receiver) -> None:
    odd = replace(LETTER, text=r"{{ app_id }} :smile: \n & &lt;b&gt;")

    service(f"json://localhost:{receiver.port}/hook").send(odd, 1)

    assert receiver.requests[0].json["message"] == odd.text


def test_a_question_full_of_markup_reaches_a_mail_as_text(receiver: Receiver, tmp_path: Path) -> None:
    """XML is one of the services that take HTML as well; what arrives has no tag and no link in it."""
    place, taken = workspace(), Taken()
    ask(place, questions=["<img src=x onerror=alert(1)> [yes](https://evil.example) @everyone <!here>"])
    outbox(place, tmp_path, taken).pump(now_ns(place))

    service(f"xml://localhost:{receiver.port}/hook").send(taken.letters[0][1], 1)

    body = receiver.requests[0].body.decode()
    for wrong in ("<img", "https://evil", "@everyone", "<!here>", "&lt;img", "&lt;!here"):
        assert wrong not in body


def test_it_leaves_nothing_on_the_disk(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    receiver.status, receiver.body = 200, b"{}"

    service(f"ntfy://localhost:{receiver.port}/topic").send(LETTER, 1)

    assert list(tmp_path.iterdir()) == []


def test_a_service_that_breaks_is_away(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("S3CRET")

    monkeypatch.setattr("apprise.Apprise.notify", broken)

    with pytest.raises(NotifyError) as caught:
        service(f"json://localhost:{receiver.port}/hook").send(LETTER, 1)

    assert caught.value.message == "channel chat was not taken by its service (KeyError)."
