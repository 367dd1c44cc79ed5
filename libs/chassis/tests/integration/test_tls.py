"""TLS between processes, over real sockets: who is let in, who is not, and what is said about it."""

import http.client
import json
import ssl
import threading
from contextlib import suppress
from datetime import timedelta

import pytest
import serving

from chassis.authority import Authority
from chassis.clock import utc_now
from chassis.testing.waiting import until

REQUEST = b"GET /openapi.json HTTP/1.1\r\nHost: boxes\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def authority():
    return Authority.make()


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with running(authority, folder, tls_peers="gateway, auditor") as it:
        yield it


def running(authority, folder, **settings):
    """Serve the example under TLS; its probes without, on `probe_port`."""
    authority.issue(folder / "boxes", ["boxes", "boxes.internal"])
    told = {f"tls_{kind}_file": folder / "boxes" / name for kind, name in FILES.items()}
    return serving.running(folder, probes=True, **told, **settings)


FILES = {"certificate": "tls.crt", "key": "tls.key", "authority": "ca.crt"}


def context(authority, folder, name="gateway", believes=None, **options):
    """Return the context of a client with a certificate of an authority."""
    authority.issue(folder / name, [name], **options)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=(believes or authority).pem.decode())
    made.load_cert_chain(folder / name / "tls.crt", folder / name / "tls.key")
    return made


def ask(server, context, request=REQUEST, name="boxes"):
    """Return what a server answers to one request; empty where it ends the connection. Raises ssl.SSLError."""
    with server.connect() as plain, context.wrap_socket(plain, server_hostname=name) as client:
        client.sendall(request)
        return serving.read_all(client)


def refused(server):
    return [line["cause"] for line in server.lines() if line["message"] == "connection refused"]


def test_who_has_a_certificate_of_the_authority_is_answered(server, authority, tmp_path):
    assert ask(server, context(authority, tmp_path)).startswith(b"HTTP/1.1 200 ")
    assert ask(server, context(authority, tmp_path), name="boxes.internal").startswith(b"HTTP/1.1 200 ")


def test_an_answer_of_many_records_is_whole(server, authority, tmp_path):
    stream = ask(server, context(authority, tmp_path), REQUEST.replace(b"/openapi.json", b"/stream"))
    assert b"Transfer-Encoding: chunked" in stream and stream.endswith(b"line 2\n\r\n0\r\n\r\n")
    large = ask(server, context(authority, tmp_path), REQUEST.replace(b"/openapi.json", b"/large"))
    assert len(large.partition(b"\r\n\r\n")[2]) == 1_000_000


def test_a_plain_request_is_not_answered(server):
    assert b"HTTP" not in server.exchange(REQUEST)
    until(lambda: "it does not speak TLS 1.3" in refused(server))


def test_a_client_without_a_certificate_is_not_answered(server, authority):
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.load_verify_locations(cadata=authority.pem.decode())
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        ask(server, bare)
    until(lambda: "it shows no certificate" in refused(server))


def test_a_client_of_another_authority_is_not_answered(server, authority, tmp_path):
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        ask(server, context(Authority.make(), tmp_path, believes=authority))
    until(lambda: any("BOXES_TLS_AUTHORITY_FILE" in cause for cause in refused(server)))


def test_a_client_whose_certificate_has_expired_is_not_answered(server, authority, tmp_path):
    long_ago = utc_now() - timedelta(days=9)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_EXPIRED"):
        ask(server, context(authority, tmp_path, days=1, begins=long_ago))
    until(lambda: any("certificate has expired" in cause for cause in refused(server)))


def test_a_client_that_is_not_named_is_not_answered(server, authority, tmp_path):
    said = b""
    with suppress(ConnectionError):  # reset, where the request had come already
        said = ask(server, context(authority, tmp_path, "stranger"))
    assert said == b""
    until(lambda: "BOXES_TLS_PEERS does not name stranger" in refused(server))


def test_a_server_of_another_authority_or_name_is_not_asked(server, authority, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed certificate|unable to get"):
        ask(server, context(authority, tmp_path, believes=Authority.make()))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        ask(server, context(authority, tmp_path), name="shelves")


def test_an_older_tls_is_not_spoken(server, authority, tmp_path):
    old = context(authority, tmp_path)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        ask(server, old)


def test_probes_are_answered_without_a_certificate_and_nothing_else_is(server):
    for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/openapi.json", 404)):
        connection = http.client.HTTPConnection("127.0.0.1", server.probe_port, timeout=10)
        connection.request("GET", path)
        assert connection.getresponse().status == status, path
        connection.close()


def test_a_half_sent_handshake_keeps_nobody_else_out(server, authority, tmp_path):
    with server.connect() as stalled:
        stalled.sendall(b"\x16\x03\x01")
        assert ask(server, context(authority, tmp_path)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_new_certificates_are_taken_under_traffic_and_broken_ones_refused(authority, tmp_path, kind):
    with running(authority, tmp_path, web_worker_class=kind, web_processes=1) as server:
        traffic = Traffic(server, context(authority, tmp_path))
        shown = traffic.serial()
        (tmp_path / "boxes" / "tls.crt").write_text("torn")
        until(lambda: "certificate refused" in server.output.read_text(), 20)
        assert traffic.serial() == shown
        authority.issue(tmp_path / "boxes", ["boxes"])
        until(lambda: traffic.serial() != shown, 20)
        until(lambda: traffic.connections > 1)  # the kept one has ended with an answer
        traffic.stop()
        assert not traffic.failures and traffic.answers > 10
    lines = [line["message"] for line in server.lines()]
    assert any(
        "BOXES_TLS_CERTIFICATE_FILE" in line and "tls.crt holds no certificate" in line for line in lines
    )


def test_an_authority_is_replaced_by_believing_both_for_a_while(authority, tmp_path):
    coming = Authority.make()
    newcomer = context(coming, tmp_path / "clients", believes=authority)
    with running(authority, tmp_path, web_processes=1) as server:
        with pytest.raises(ssl.SSLError):
            ask(server, newcomer)
        with (tmp_path / "boxes" / "ca.crt").open("ab") as believed:
            believed.write(coming.pem)
        until(lambda: "certificate taken" in server.output.read_text())
        assert ask(server, newcomer).startswith(b"HTTP/1.1 200 ")
        assert ask(server, context(authority, tmp_path)).startswith(b"HTTP/1.1 200 ")


def test_a_process_that_is_told_half_of_it_ends_with_one_line_that_says_so(authority, tmp_path):
    authority.issue(tmp_path / "boxes", ["boxes"])
    certificate = tmp_path / "boxes" / "tls.crt"
    with (
        pytest.raises(AssertionError, match="gunicorn ended"),
        serving.running(tmp_path, tls_certificate_file=certificate),
    ):
        pass
    lines = [json.loads(line)["message"] for line in (tmp_path / "output.log").read_text().splitlines()]
    assert lines == ["setting refused: BOXES_TLS_KEY_FILE", "setting refused: BOXES_TLS_AUTHORITY_FILE"]


class Traffic:
    """Requests one after another on a kept connection, which is opened again where an answer has ended it."""

    def __init__(self, server, context):
        self.server, self.context = server, context
        self.answers = self.connections = 0
        self.failures, self.ending = [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ending.is_set():
            try:
                self.connections += 1
                self.keep_asking()
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(repr(failure))

    def keep_asking(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        connection.sock = self.context.wrap_socket(self.server.connect(), server_hostname="boxes")
        while not self.ending.is_set():
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            answer.read()
            self.answers += answer.status == 200
            if answer.will_close:
                break
        connection.close()

    def serial(self):
        """Return the number of the certificate that a new connection is shown."""
        with (
            self.server.connect() as plain,
            self.context.wrap_socket(plain, server_hostname="boxes") as client,
        ):
            return client.getpeercert()["serialNumber"]

    def stop(self):
        self.ending.set()
        self.thread.join(10)
