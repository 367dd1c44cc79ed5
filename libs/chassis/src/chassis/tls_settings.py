"""What follows from the settings of TLS, and what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chassis.certificates import TlsFiles
    from chassis.tls import Credentials

TLS_EXTENSION = "chassis_tls"


def credentials_in(app: Any) -> "Credentials | None":
    """Return the credentials of an app that chassis.web has made; None: its process speaks plainly."""
    credentials: Credentials | None = getattr(app, "extensions", {}).get(TLS_EXTENSION)
    return credentials


def credentials_for(settings: object, service: str) -> "Credentials | None":
    """Return the credentials of a worker or a command; None: it speaks plainly, and does without what TLS needs.
    Raises SettingsError."""
    if not isinstance(settings, TlsSettings) or not settings.tls_certificate_file:
        return None
    from chassis.tls import credentials_of

    return credentials_of(settings, service)  # type: ignore[arg-type]  # a ProcessSettings, which is made of this


class TlsSettings:
    """The part of the settings of every process that is about TLS; chassis.settings.ProcessSettings has the fields."""

    tls_certificate_file: str
    tls_key_file: str
    tls_authority_file: str
    tls_peers: str

    @property
    def tls_peer_names(self) -> list[str]:
        """Who may connect; empty: whoever has a certificate."""
        return [each.strip() for each in self.tls_peers.split(",") if each.strip()]

    def tls_files(self, prefix: str) -> "TlsFiles | None":
        """Return the files of TLS, where it is on; `prefix` begins their variables."""
        if not self.tls_certificate_file:
            return None
        from chassis.certificates import TlsFiles  # who speaks plainly does without

        named = (self.tls_certificate_file, self.tls_key_file, self.tls_authority_file)
        return TlsFiles(*map(Path, named), prefix)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong between settings, each by its variable without the prefix."""
        files = {
            name: getattr(self, name.lower())
            for name in ("TLS_CERTIFICATE_FILE", "TLS_KEY_FILE", "TLS_AUTHORITY_FILE")
        }
        given = [name for name, value in files.items() if value]
        if not given:
            if self.tls_peers:
                yield "TLS_PEERS: says who may connect, and there is no TLS_CERTIFICATE_FILE"
        elif len(given) < len(files):
            yield from (f"{name}: missing, as {given[0]} is set" for name in files if name not in given)
        else:
            told = self.tls_files("")
            yield from told.faults() if told is not None else ()

    def fault_of_peer(self, variable: str, url: str) -> Iterator[str]:
        """Yield what is wrong with the address of another service: TLS is for all of them or for none."""
        wanted = "https" if self.tls_certificate_file else "http"
        if not url.startswith(f"{wanted}://"):
            yield f"{variable}: not of the form {wanted}://host:port, as TLS_CERTIFICATE_FILE is " + (
                "set" if self.tls_certificate_file else "empty"
            )
