"""A webhook against a real server: signed, verified, bounded; what each answer means."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from babysitter.model.errors import NotifyError
from babysitter.service.notify.webhook import Webhook
from babysitter.service.notify.words import Letter
from babysitter.transport.reach import PERMITTED, Permitted, Reach
from tests.integration.notify.receiver import KEY, Receiver, receiving
from tests.integration.witness.authority import made

LETTER = Letter(id="msg_1", title="Title", text="Text", body=b'{"type":"test"}')
OTHER = b"o" * 32


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def webhook(
    url: str,
    *,
    permitted: Permitted = PERMITTED,
    timeout_s: float = 10.0,
    keys: tuple[bytes, ...] = (KEY,),
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
) -> Webhook:
    return Webhook(
        channel="ops",
        url=url,
        is_secret=False,
        keys=keys,
        timeout_s=timeout_s,
        permitted=permitted,
        reach=Reach(tls=tls),
    )


def failure(hook: Webhook) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        hook.send(LETTER, 1_700_000_000)
    return caught.value


def test_it_posts_json_signed_by_every_key(receiver: Receiver) -> None:
    webhook(receiver.url, keys=(OTHER, KEY)).send(LETTER, 1_700_000_000)

    (request,) = receiver.requests
    assert request.path == "/hook"
    assert request.body == LETTER.body
    assert request.headers["content-type"] == "application/json"
    assert (request.id, request.headers["webhook-timestamp"]) == ("msg_1", "1700000000")
    assert request.is_signed_by(KEY)
    assert request.is_signed_by(OTHER)
    assert not request.is_signed_by(b"x" * 32)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_status_of_success_will_do(receiver: Receiver, status: int) -> None:
    receiver.status = status

    webhook(receiver.url).send(LETTER, 1)

    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "refused"),
        (401, "refused"),
        (404, "refused"),
        (410, "refused"),
        (408, "away"),
        (425, "away"),
        (429, "away"),
        (500, "away"),
        (503, "away"),
    ],
)
def test_what_a_status_means(receiver: Receiver, status: int, reason: str) -> None:
    receiver.status = status

    error = failure(webhook(receiver.url))

    assert error.facts["reason"] == reason
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("said", "waits_s"), [("120", 120.0), ("9999999", 3600.0), ("soon", 0.0), ("-1", 0.0)]
)
def test_a_receiver_may_say_how_long_to_wait_within_reason(
    receiver: Receiver, said: str, waits_s: float
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": said}

    assert failure(webhook(receiver.url)).facts["retry_after_s"] == waits_s


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as elsewhere:
        receiver.status, receiver.headers = status, {"Location": elsewhere.url}

        error = failure(webhook(receiver.url))

    assert elsewhere.requests == []
    assert error.facts["reason"] == "refused"
    assert "redirect is not followed" in error.hint


def test_of_a_long_answer_no_more_is_read_than_is_bounded(receiver: Receiver) -> None:
    receiver.status, receiver.body = 200, b"x" * 50_000_000

    webhook(receiver.url).send(LETTER, 1)

    assert len(receiver.requests) == 1


def test_nobody_there_is_told_and_tried_again() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

    error = failure(webhook(f"http://localhost:{port}/"))

    assert error.facts["reason"] == "away"
    assert "localhost" in error.message


def test_a_secret_address_stands_in_no_error() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    hook = replace(webhook(f"http://localhost:{port}/T0P/S3CRET"), is_secret=True)

    error = failure(hook)

    assert "localhost" not in f"{error.message} {error.hint}"
    assert "S3CRET" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 ", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 2OO OK\r\n\r\n"]
)
def test_what_speaks_no_http_is_away(answer: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=_answer, args=(server, answer))
        thread.start()
        error = failure(webhook(f"http://127.0.0.1:{server.getsockname()[1]}/"))
        thread.join()

    assert error.facts["reason"] == "away"


def _answer(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with closing(connection), suppress(OSError):
        connection.recv(65536)
        connection.sendall(answer)


@pytest.mark.parametrize(
    ("url", "reason", "told"),
    [
        ("https://10.0.0.1/S3CRET", "address", "not of the public internet"),
        ("http://93.184.216.34/S3CRET", "address", "not protected by TLS"),
        ("https://ops:S3CRET@example.com/", "settings", "no usable address"),
        ("https://exam ple.com/S3CRET", "settings", "no usable address"),
    ],
)
def test_where_it_does_not_go_is_told_by_its_reason(url: str, reason: str, told: str) -> None:
    for is_secret in (False, True):
        error = failure(replace(webhook(url, permitted=Permitted(allow_private=False)), is_secret=is_secret))

        assert error.facts["reason"] == reason
        assert told in error.message
        assert "S3CRET" not in f"{error.message} {error.hint}"


def test_the_status_is_the_answer_whatever_becomes_of_the_rest() -> None:
    """Who takes a letter and then drips would have it sent again for ever."""
    taken = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=_answer, args=(server, taken))
        thread.start()
        webhook(f"http://127.0.0.1:{server.getsockname()[1]}/").send(LETTER, 1)
        thread.join()


def test_a_receiver_that_never_answers_is_left(receiver: Receiver) -> None:
    del receiver
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        hook = webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.2)

        assert failure(hook).facts["reason"] == "away"


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an authority and a certificate for localhost."""
    return made(tmp_path_factory.mktemp("tls") / "ca", usage="serverAuth").folder


@pytest.mark.needs("openssl")
def test_over_tls_the_certificate_is_verified_by_the_authorities_and_for_the_name(authority: Path) -> None:
    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(authority / "root.pem"))

    with receiving(authority) as receiver:
        webhook(receiver.url, tls=trusting).send(LETTER, 1)
        assert len(receiver.requests) == 1

        stranger = failure(webhook(receiver.url))
        other_name = failure(webhook(receiver.url.replace("localhost", "127.0.0.1"), tls=trusting))

        assert len(receiver.requests) == 1

    for error in (stranger, other_name):
        assert error.facts["reason"] == "away"
        assert "certificate that does not verify" in error.message
