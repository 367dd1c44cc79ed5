"""The strict client: what it counts as failed, asked with a server that ends connections at every moment."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from shop import until

from rolling.client import Client, Tally, Unanswered

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\nok"
Behaviour = Callable[[socket.socket], None]


def served(behaviours: list[Behaviour], listener: socket.socket) -> None:
    """Give each connection the next behaviour, then refuse all others."""
    for behaviour in behaviours:
        client, _ = listener.accept()
        with client:
            behaviour(client)
    listener.close()


def answer(client: socket.socket, bytes_sent: bytes) -> None:
    assert client.recv(65536)
    client.sendall(bytes_sent)


def kept(client: socket.socket) -> None:
    """Answer as long as the client asks."""
    while client.recv(65536):
        client.sendall(WHOLE % b"")


def announced(client: socket.socket) -> None:
    answer(client, WHOLE % b"Connection: close\r\n")


def unannounced(client: socket.socket) -> None:
    answer(client, WHOLE % b"")


def unanswered(client: socket.socket) -> None:
    assert client.recv(65536)


def cut(client: socket.socket) -> None:
    answer(client, (WHOLE % b"")[:-1])


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[Client, Tally]]]:
    """Start a server of these behaviours, and return a client of it."""
    clients: list[Client] = []

    def starting(*behaviours: Behaviour) -> tuple[Client, Tally]:
        listener, tally = socket.create_server(("127.0.0.1", 0)), Tally()
        threading.Thread(target=served, args=(list(behaviours), listener), daemon=True).start()
        clients.append(Client(f"http://127.0.0.1:{listener.getsockname()[1]}", tally))
        return clients[-1], tally

    yield starting
    for each in clients:
        each.leave()


def test_one_connection_is_kept(start):
    client, tally = start(kept)
    assert [client.ask("POST", "/", "{}").status for _ in range(3)] == [200] * 3
    assert tally["connections"] == 1


def test_an_end_that_was_announced_is_none_of_a_request(start):
    client, tally = start(announced, kept)
    assert [client.ask("POST", "/", "{}").text for _ in range(2)] == ["ok"] * 2
    assert (tally["connections"], tally["announced"], tally["ended idle"]) == (2, 1, 0)


def test_an_end_that_is_seen_before_anything_is_sent_is_none_either(start):
    client, tally = start(unannounced, kept)
    client.ask("POST", "/", "{}")
    until(lambda: client.has_ended)
    client.ask("POST", "/", "{}")
    assert (tally["connections"], tally["ended idle"]) == (2, 1)


@pytest.mark.parametrize("behaviour", [unanswered, cut])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_was_sent_and_not_answered_is_a_failure(start, behaviour, method):
    client, tally = start(behaviour, kept)
    with pytest.raises(Unanswered):
        client.ask(method, "/")
    assert tally["connections"] == 1


def test_nobody_there_is_a_failure():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unanswered):
        Client(f"http://127.0.0.1:{port}", Tally()).ask("GET", "/")
