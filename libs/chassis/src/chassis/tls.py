"""TLS between our own processes: each side shows a certificate of an authority that the other believes. The files are
followed, so that a new certificate needs no restart."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Gauge

from chassis.certificates import TlsFiles, certificate_in, names_of
from chassis.settings import ProcessSettings, SettingsError

_LOOK_SECONDS = 1.0
_TELL_AGAIN_SECONDS = 60.0
_MOST_TOLD = 1000
_SPEAKS_OTHERWISE = frozenset(
    {
        "HTTP_REQUEST",
        "WRONG_VERSION_NUMBER",
        "UNSUPPORTED_PROTOCOL",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
    }
)
_log = logging.getLogger(__name__)
_expires_at = Gauge(
    "tls_certificate_expiry_timestamp_seconds",
    "When the certificate of a process expires, in Unix seconds",
    ("service",),
    multiprocess_mode="livemin",
)


class Credentials:
    """A certificate, its key, and the authorities whose certificates are believed, as they are on disk now. `server`
    and `client` are contexts, for any library, each handshake of which takes the newest files that could be used;
    `generation` counts those."""

    def __init__(
        self,
        files: TlsFiles,
        *,
        service: str = "",
        peers: Collection[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Only who has one of the names `peers`, or our own, may connect; empty: anybody of the authorities. Raises
        SettingsError."""
        self.files = files
        self.generation = 0
        self._service = service
        self._peers = frozenset(peers)
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._looked_at = monotonic()
        self._told: dict[object, float] = {}
        self._seen = self._doubted = files.stamps()
        if wrong := list(files.faults()):
            raise SettingsError([files.prefix + line for line in wrong])
        self._take()
        self.server = _Following(ssl.PROTOCOL_TLS_SERVER, self)
        self.client = _Following(ssl.PROTOCOL_TLS_CLIENT, self)

    def current(self, protocol: int) -> ssl.SSLContext:
        """Return the context of one side, with the files as they are now."""
        self.follow()
        return self._contexts[protocol]

    def follow(self) -> None:
        """Look at the files, at most once a second. New ones that cannot be used are refused with a line in the log,
        and the ones before stay."""
        now = self._monotonic()
        if now - self._looked_at < _LOOK_SECONDS or not self._looking.acquire(blocking=False):
            return
        try:
            self._looked_at = now
            self._look()
        finally:
            self._looking.release()

    def admits(self, certificate: Mapping[str, Any]) -> bool:
        """Tell whether who shows this certificate, as SSLObject.getpeercert() has it, may connect."""
        return not self._peers or bool(names_in(certificate) & (self._peers | self._own_names))

    def explain(self, failure: BaseException | None) -> str:
        """Return what a failed handshake means, with the variable that has to do with it."""
        while failure is not None and not isinstance(failure, ssl.SSLError):
            inner = [each for each in failure.args if isinstance(each, BaseException)]
            failure = failure.__cause__ or failure.__context__ or (inner[0] if inner else None)
        if failure is None:
            return "the connection ended"
        prefix, reason = self.files.prefix, getattr(failure, "reason", None) or ""
        if isinstance(failure, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {failure.verify_message} ({prefix}TLS_AUTHORITY_FILE)"
        if "_ALERT_" in reason:
            said = reason.partition("_ALERT_")[2].replace("_", " ").lower()
            return f"it refuses our certificate: {said} ({prefix}TLS_CERTIFICATE_FILE)"
        if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
            return "it shows no certificate"
        if reason in _SPEAKS_OTHERWISE:
            return "it does not speak TLS 1.3"
        return str(failure)

    def tell(self, message: str, failure: BaseException | str, **whom: object) -> None:
        """Log why there is no connection, the same at most once a minute."""
        cause = failure if isinstance(failure, str) else self.explain(failure)
        now, what = self._monotonic(), (message, cause, *whom.values())
        if now - self._told.get(what, float("-inf")) < _TELL_AGAIN_SECONDS:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told[what] = now
        _log.warning(message, extra={**whom, "cause": cause})

    def _look(self) -> None:
        _expires_at.labels(self._service).set(self._expires_at)
        if self._expires_at <= time.time():
            self.tell("certificate expired", f"{self.files.prefix}TLS_CERTIFICATE_FILE holds no newer one")
        stamps = self.files.stamps()
        if stamps == self._seen:
            return
        wrong = list(self.files.faults())
        if not wrong:
            try:
                self._take()
            except (OSError, ValueError) as failure:
                wrong = [f"TLS_CERTIFICATE_FILE: {failure}"]
        if not wrong and self.files.stamps() == stamps:
            self._seen = self._doubted = stamps
            _log.info("certificate taken", extra={"expires_at": _as_text(self._expires_at)})
        elif wrong and stamps == self._doubted:  # and not only half written
            self._seen = stamps
            for line in wrong:
                _log.error("certificate refused: %s", self.files.prefix + line)
        else:
            self._doubted = stamps

    def _take(self) -> None:
        made = {
            each: _context(self.files, each) for each in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT)
        }
        own = certificate_in(self.files.certificate)
        self._expires_at = own.not_valid_after_utc.timestamp()
        self._own_names = frozenset(names_of(own))
        self._contexts = made
        self.generation += 1


class _Following(ssl.SSLContext):
    """Has whoever holds it make each handshake with what is current then."""

    def __init__(self, protocol: int, credentials: Credentials) -> None:
        self._side = protocol
        self._credentials = credentials

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        return self._credentials.current(self._side).wrap_socket(*arguments, **options)

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        return self._credentials.current(self._side).wrap_bio(*arguments, **options)


def _context(files: TlsFiles, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.authority)
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0  # connections are kept: nobody resumes a session, and idle ones stay silent
    return context


def names_in(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return the DNS names in a certificate as SSLObject.getpeercert() has it."""
    return frozenset(name for kind, name in certificate.get("subjectAltName", ()) if kind == "DNS")


def credentials_of(settings: ProcessSettings, service: str) -> Credentials | None:
    """Return the credentials a process is told of; None: it is told of none, and speaks plainly. Raises
    SettingsError."""
    files = settings.tls_files(f"{service.upper()}_")
    if files is None:
        return None
    return Credentials(files, service=service, peers=settings.tls_peer_names)


def _as_text(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
