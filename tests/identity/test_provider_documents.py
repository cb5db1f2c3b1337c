"""Documents of providers come from the network: bounded in size, time and kind."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from app.identity import tokens
from app.identity.tokens import ProviderFault, document

Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server on loopback that answers one request with these bytes; its address."""
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serving(answer: bytes) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def run() -> None:
            taken, _ = listening.accept()
            with taken:
                taken.recv(65_536)
                try:
                    taken.sendall(answer)
                except OSError:
                    return

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/keys"

    yield serving
    for thread in threads:
        thread.join(30)
    for one in sockets:
        one.close()


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_document_is_read(serve: Serve):
    assert document(serve(answer(b'{"keys": []}'))) == {"keys": []}


@pytest.mark.parametrize(
    "sent",
    [
        answer(b"{}", "500 Internal Server Error"),
        answer(b"{}", "302 Found", "Location: http://127.0.0.1:1/elsewhere"),
        answer(b"not json"),
        answer(b"\xff\xfe"),
        answer(b"[" * 100_000),
        answer(b" " * (tokens.DOCUMENT_MAX + 1)),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=["500", "redirect", "text", "bytes", "deep", "large", "short", "no HTTP", "nothing"],
)
def test_answer_that_cannot_be_used_is_a_fault_of_the_provider(serve: Serve, sent: bytes):
    with pytest.raises(ProviderFault):
        document(serve(sent))


def test_nobody_there_is_a_fault_of_the_provider():
    with pytest.raises(ProviderFault):
        document("http://127.0.0.1:1/keys")


def test_compressed_answer_is_not_unpacked(serve: Serve):
    import gzip

    body = gzip.compress(b" " * 10_000_000)
    with pytest.raises(ProviderFault):
        document(serve(answer(body, "200 OK", "Content-Encoding: gzip")))
