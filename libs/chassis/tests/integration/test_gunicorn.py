"""The web process as it runs: what it serves, and what a client cannot make it do."""

import os
import re
import signal

import pytest
import serving

from chassis.testing.waiting import until

HEAD = b"Host: boxes\r\nX-Request-ID: request-0001\r\n"


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    stale = folder / "metrics" / "counter_1.db"
    stale.parent.mkdir()
    stale.write_bytes(b"what a process of yesterday left")
    with serving.running(
        folder, web_worker_class=request.param, metrics_dir=stale.parent, web_connections=30
    ) as it:
        it.stale = stale
        yield it


def status(data):
    return int(data.split(b" ", 2)[1])


def test_it_answers_and_both_processes_work(server):
    until(lambda: len(server.workers()) == 2)
    assert server.get("/readyz").status == 200


def test_the_metrics_are_those_of_all_processes_since_the_start(server):
    assert not server.stale.exists()
    for _ in range(20):
        server.get("/openapi.json")
    text = server.get("/metrics").body.decode()
    counted = re.search(r'http_requests_total\{method="GET",route="/openapi.json",status="200"\} (\S+)', text)
    assert float(counted[1]) == 20


def test_requests_of_one_connection_are_answered_in_order(server):
    request = b"GET /openapi.json HTTP/1.1\r\n" + HEAD + b"\r\n"
    last = b"GET /livez HTTP/1.1\r\nConnection: close\r\n" + HEAD + b"\r\n"
    answers = server.exchange(request * 3 + last).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200"] * 4
    assert b'{"status":"alive"}' in answers[3]
    assert b"Connection: close" in answers[3]
    assert all(b"X-Request-ID: request-0001" in answer for answer in answers)


def test_a_stream_is_chunked_and_the_connection_goes_on(server):
    request = (
        b"GET /stream HTTP/1.1\r\n"
        + HEAD
        + b"\r\nGET /livez HTTP/1.1\r\nConnection: close\r\n"
        + HEAD
        + b"\r\n"
    )
    first, second = server.exchange(request).split(b"HTTP/1.1 ")[1:]
    assert b"Transfer-Encoding: chunked" in first
    assert first.endswith(b"\r\n7\r\nline 2\n\r\n0\r\n\r\n")
    assert second.startswith(b"200")


def test_half_sent_requests_keep_nobody_waiting(server):
    held = [server.connect() for _ in range(10)]
    for sock in held:
        sock.sendall(b"POST /api/v1/boxes HTTP/1.1\r\nHost: a\r\nContent-Le")
    bodies = [server.connect() for _ in range(10)]
    for sock in bodies:
        sock.sendall(b"POST /api/v1/sign HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n")
        sock.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngra")
    for _ in range(20):
        assert server.get("/livez").status == 200
    for sock in held + bodies:
        sock.close()


def test_a_body_over_the_limit_is_refused_and_not_read(server):
    head = b"POST /api/v1/sign HTTP/1.1\r\n" + HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
    long = server.exchange(head + b"Content-Length: 10000000\r\n\r\n" + b"a" * 1000)
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    chunked = server.exchange(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2 + b"0\r\n\r\n")
    for answer in (long, chunked):
        assert status(answer) == 413
        assert b"body_too_large" in answer
        assert b"Connection: close" in answer


def test_an_expectation_is_met_only_when_the_body_is_wanted(server):
    head = b"POST /api/v1/sign HTTP/1.1\r\n" + HEAD + b"Connection: close\r\nExpect: 100-continue\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    with server.connect() as sock:
        sock.sendall(head + form + b"Content-Length: 22\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"grant=one&email=a@b.de")
        assert status(serving.read_all(sock)) == 200
    refused = server.exchange(head + b"Content-Type: text/plain\r\nContent-Length: 22\r\n\r\n")
    assert status(refused) == 415


def test_a_body_that_ends_too_soon_is_a_bad_request(server):
    with server.connect() as sock:
        sock.sendall(b"POST /api/v1/sign HTTP/1.1\r\n" + HEAD + b"Content-Length: 22\r\n")
        sock.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant=one")
        sock.shutdown(1)
        answer = serving.read_all(sock)
    assert status(answer) == 400


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n",
        b"GET /" + b"a" * 50_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    ],
)
def test_what_is_no_request_is_refused_with_a_problem_and_a_line(server, data):
    answer = server.exchange(data)
    assert 400 <= status(answer) < 500
    assert b"application/problem+json" in answer
    request_id = re.search(rb"X-Request-ID: (\S+)", answer)[1].decode()
    until(lambda: any(line.get("request_id") == request_id for line in server.lines()))


def test_what_a_proxy_may_say_is_not_believed(server):
    forged = (
        b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 1.2.3.4\r\nSCRIPT_NAME: /api\r\nScript-Name: /api\r\n"
    )
    answer = server.exchange(b"GET /livez HTTP/1.1\r\nConnection: close\r\n" + forged + HEAD + b"\r\n")
    assert status(answer) == 200


def test_no_line_is_anything_but_json(server):
    assert all(line.startswith("{") for line in server.output.read_text().splitlines())


def test_a_process_that_dies_is_replaced(server):
    before = server.workers()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(server.workers()) == 2 and before[0] not in server.workers())
    until(lambda: server.get("/readyz").status == 200)
