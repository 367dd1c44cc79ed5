"""An authority of certificates for development and tests; in production an issuer with a vault makes them.

`python -m chassis.authority FOLDER NAME[=OTHER,...]...` makes what is missing: FOLDER/NAME/{tls.crt,tls.key,ca.crt} for
each, signed by the key in FOLDER/authority; `--renew` makes new ones for all.
"""

import argparse
import ipaddress
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chassis.clock import utc_now

AUTHORITY_DAYS, DAYS = 3650, 365
_OVERLAP = timedelta(hours=1)  # for clocks that are behind


class Authority:
    """Signs certificates; `certificate` is what others believe."""

    def __init__(self, certificate: x509.Certificate, key: Any) -> None:
        self.certificate = certificate
        self.key = key

    @classmethod
    def make(cls, name: str = "souk development authority", days: float = AUTHORITY_DAYS) -> "Authority":
        """Return a new one."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = _builder(subject, subject, key, utc_now() - _OVERLAP, timedelta(days=days) + _OVERLAP)
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        built = built.add_extension(_usage(of_authority=True), critical=True)
        return cls(built.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, folder: Path) -> "Authority":
        """Read one from its folder. Raises OSError, ValueError."""
        certificate = x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())
        return cls(certificate, load_pem_private_key((folder / "tls.key").read_bytes(), None))

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        _write(folder / "tls.key", _key_pem(self.key))
        _write(folder / "tls.crt", self.pem)

    @property
    def pem(self) -> bytes:
        """The certificate as a file has it."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(
        self, folder: Path, names: Iterable[str], *, days: float = DAYS, begins: datetime | None = None
    ) -> None:
        """Write a new key, a certificate of it for some DNS names or addresses, and our own into a folder."""
        key, named = ec.generate_private_key(ec.SECP256R1()), list(names)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, named[0])])
        begins = begins or utc_now() - _OVERLAP
        built = _builder(subject, self.certificate.subject, key, begins, timedelta(days=days) + _OVERLAP)
        built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        built = built.add_extension(_usage(of_authority=False), critical=True)
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        built = built.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        built = built.add_extension(
            x509.SubjectAlternativeName([_general(each) for each in named]), critical=False
        )
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = built.add_extension(signer, critical=False).sign(self.key, hashes.SHA256())
        _write(folder / "ca.crt", self.pem)
        _write(folder / "tls.key", _key_pem(key))
        _write(folder / "tls.crt", certificate.public_bytes(Encoding.PEM))


def provide(folder: Path, wanted: Iterable[str], *, renew: bool = False) -> list[str]:
    """Make what is missing in a folder of certificates, or all anew with the same authority; return what was made."""
    home, made = folder / "authority", []
    if not (home / "tls.crt").exists():
        Authority.make().save(home)
        made.append("authority")
    authority = Authority.load(home)
    for each in wanted:
        name, _, others = each.partition("=")
        if renew or not (folder / name / "tls.crt").exists() or "authority" in made:
            authority.issue(folder / name, [name, *filter(None, others.split(","))])
            made.append(name)
    return made


def _builder(subject: Any, issuer: Any, key: Any, begins: datetime, lasts: timedelta) -> Any:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, of_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not of_authority,
        key_cert_sign=of_authority,
        crl_sign=of_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    beside.replace(path)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="chassis.authority", description="Certificates for development.")
    parser.add_argument("--renew", action="store_true", help="make those that are there anew")
    parser.add_argument("folder", type=Path)
    parser.add_argument("wanted", nargs="+", metavar="NAME[=OTHER,...]")
    told = parser.parse_args()
    made = provide(told.folder, told.wanted, renew=told.renew)
    print(f"certificates made: {', '.join(made) or 'none, all are there'}")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    main()
