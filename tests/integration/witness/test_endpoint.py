"""Where a witness is asked, and what no answer means. How it is asked: tests/integration/transport."""

import socket

import pytest

from babysitter.log.witness.endpoint import ANSWER_BYTES_MAX, Endpoint
from babysitter.model.errors import WitnessError
from tests.integration.witness.serving import answering, response, says


def endpoint(url: str, timeout_s: float = 10) -> Endpoint:
    return Endpoint(witness="w", url=url, timeout_s=timeout_s)


@pytest.mark.parametrize(
    "url",
    [
        "https://witness.example.com",
        "https://witness.example.com:8443/a/b?c=d",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://localhost:1/",
        "http://127.8.8.8",
    ],
)
def test_addresses_that_are_safe_are_taken(url: str) -> None:
    assert endpoint(url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://witness.example.com",
        "http://192.0.2.1",
        "http://0.0.0.0",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "https://user:sesame@witness.example.com",
        "https://user@witness.example.com",
        "https://",
        "https:///path",
        "https://a b",
        "https://a\r\nX: y",
        "https://a/\u00e4",
        "https://a#b",
        "https://a:port",
        "https://[::1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "witness.example.com",
        "",
    ],
)
def test_addresses_that_are_not_are_refused(url: str) -> None:
    with pytest.raises(WitnessError) as caught:
        endpoint(url)

    assert caught.value.facts["reason"] == "settings"
    assert "sesame" not in str(caught.value)


def test_path_and_query_are_asked_for_as_they_were_given() -> None:
    heads = []

    def answer(sock: socket.socket) -> None:
        if head := sock.recv(65536):
            heads.append(head.split(b" ")[1])
            sock.sendall(response(200, b""))

    with answering(answer) as url:
        endpoint(f"{url}/stamp?a=b").post("", b"", "text/plain")
        endpoint(f"{url}/prefix/").get("/add")
        endpoint(url).get()

    assert heads == [b"/stamp?a=b", b"/prefix/add", b"/"]


@pytest.mark.parametrize("count", [ANSWER_BYTES_MAX, ANSWER_BYTES_MAX + 1])
def test_an_answer_has_a_bound(count: int) -> None:
    with answering(says(response(200, b"x" * count))) as url:
        if count <= ANSWER_BYTES_MAX:
            assert len(endpoint(url).get().body) == count
        else:
            with pytest.raises(WitnessError, match="more than") as caught:
                endpoint(url).get()
            assert caught.value.facts["reason"] == "answer"


def test_nobody_at_the_address_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(WitnessError, match="can't be reached") as caught:
        endpoint(f"http://127.0.0.1:{port}").get()

    assert caught.value.facts == {"witness": "w", "reason": "away"}
