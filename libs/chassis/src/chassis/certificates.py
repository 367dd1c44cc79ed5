"""Certificates on disk: which files a process is told of, and what is wrong with them, said by the setting."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from chassis.clock import utc_now


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: the certificate of a process, followed by those between it and its authority, its key, and the
    authorities it believes. `prefix` begins the variables that name them."""

    certificate: Path
    key: Path
    authority: Path
    prefix: str = ""

    def faults(self, now: datetime | None = None) -> Iterator[str]:
        """Yield what is wrong with each file at a moment (now), by the variable without its prefix."""
        now = now or utc_now()
        own: x509.Certificate | None = None
        try:
            own = certificate_in(self.certificate)
            yield from _out_of_time(own, now)
        except _Unusable as wrong:
            yield f"TLS_CERTIFICATE_FILE: {wrong}"
        try:
            key = _read(
                self.key, lambda pem: load_pem_private_key(pem, None), "private key without a password"
            )
            if own is not None and _spki(key) != _spki(own):
                yield f"TLS_KEY_FILE: {self.key} is not the key of TLS_CERTIFICATE_FILE"
        except _Unusable as wrong:
            yield f"TLS_KEY_FILE: {wrong}"
        try:
            _read(self.authority, x509.load_pem_x509_certificates, "certificate")
        except _Unusable as wrong:
            yield f"TLS_AUTHORITY_FILE: {wrong}"

    def stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Return what is another when a file is, or when a folder of them was exchanged by a link."""
        return tuple(_stamp(each) for each in (self.certificate, self.key, self.authority))


class _Unusable(Exception):
    """The file is not what its setting needs."""


def certificate_in(path: Path) -> x509.Certificate:
    """Return the first certificate of a file."""
    found: list[x509.Certificate] = _read(path, x509.load_pem_x509_certificates, "certificate")
    return found[0]


def names_of(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names a certificate is for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _out_of_time(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    whose = f"the certificate of {', '.join(names_of(certificate)) or 'nobody'}"
    if certificate.not_valid_after_utc <= now:
        yield f"TLS_CERTIFICATE_FILE: {whose} expired at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    elif certificate.not_valid_before_utc > now:
        yield f"TLS_CERTIFICATE_FILE: {whose} begins at {certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"


def _read(path: Path, parse: Any, wanted: str) -> Any:
    try:
        return parse(path.read_bytes())
    except OSError as failure:
        raise _Unusable(f"{path} cannot be read: {failure.strerror}") from failure
    except (ValueError, TypeError, UnsupportedAlgorithm) as failure:
        raise _Unusable(f"{path} holds no {wanted} (PEM)") from failure


def _spki(owner: Any) -> bytes:
    encoded: bytes = owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
