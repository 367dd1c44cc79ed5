"""What the gateway is told by its environment."""

import re
from dataclasses import dataclass
from pathlib import Path

from chassis import checks
from chassis.settings import SettingsError, setting
from gateway.front.limits import Limits
from gateway.limit_settings import LimitSettings, listed, networks_of
from gateway.rates import Network
from gateway.upstream_settings import UpstreamSettings

PREFIX = "GATEWAY_"
# As browsers write it: no default port, no path, nothing in upper case; "*" and "null" are no origins of anybody.
_web_origin = re.compile(
    r"(?!http:.*:80\Z|https:.*:443\Z)[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?"
)
_PACKAGED_ROUTES = Path(__file__).with_name("routes.toml")


@dataclass(frozen=True, kw_only=True)
class Settings(UpstreamSettings, LimitSettings):
    """The gateway's settings; each is `GATEWAY_` and its name in upper case."""

    bind: str = setting("0.0.0.0:8080", check=checks.listening_address, doc="address the public listens to")
    web_connections: int = setting(4096, minimum=1, doc="client connections of one web process")
    web_worker_class: str = setting(
        "gevent", choices=("gevent",), doc="how a web process serves: there is one way"
    )
    body_max_bytes: int = setting(65536, minimum=1, doc="largest body, in bytes, where the route states none")
    request_deadline_seconds: float = setting(
        10.0,
        minimum=0.1,
        maximum=300,
        doc="most time a service gets, in seconds, where the route states none",
    )
    admin_bind: str = setting(
        "127.0.0.1:8081",
        check=checks.listening_address,
        doc="address of /livez, /readyz, /metrics, and /status with all that is known",
    )
    share_port: bool = setting(
        False,
        doc="another gateway may listen on the same addresses, to take over from this one; all of them say so",
    )
    probe_bind: str = setting("", choices=("",), doc="not used: probes ask the admin address")
    tls_peers: str = setting("", choices=("",), doc="not used: clients show tokens, not certificates")
    routes_file: str = setting("", doc="route file; empty: the packaged src/gateway/routes.toml")
    public_scheme: str = setting(
        "http", choices=("http", "https"), doc="scheme clients use, for X-Forwarded-Proto"
    )
    trusted_proxies: str = setting(
        "", doc="networks of the proxies in front, comma separated; nobody else says who the client is"
    )
    cors_origins: str = setting(
        "", doc="origins whose pages may call the API, comma separated; empty: none but our own"
    )

    streams_per_user: int = setting(
        4,
        minimum=1,
        doc="streams of one process open for each user, or each address where nobody is signed in",
    )
    streams_per_address: int = setting(
        16, minimum=1, doc="streams of one process open for each address, whoever the users are"
    )
    cache_bytes: int = setting(
        16777216, minimum=0, doc="bytes of public answers one process keeps; 0: none are kept"
    )

    trace_share: float = setting(
        0.1,
        minimum=0,
        maximum=1,
        doc="share of all requests whose traces are sent, where OTEL_EXPORTER_OTLP_ENDPOINT is set",
    )
    reference_refresh_seconds: float = setting(
        300.0,
        minimum=0.1,
        doc="seconds between two looks at the documents of the services, besides at new releases",
    )
    status_interval_seconds: float = setting(
        2.0, minimum=0.05, doc="seconds between two looks of a process at the services for the status pages"
    )
    token_issuer: str = setting(doc="`iss` of access tokens: the public origin, as users has it")
    token_audience: str = setting("souk", doc="`aud` of access tokens")
    jwks_url: str = setting("", doc="the issuer's keys; empty: /.well-known/jwks.json of users")
    issuers_file: str = setting("", doc="other issuers of access tokens (TOML); empty: none")
    jwks_refresh_seconds: float = setting(
        300.0, minimum=1, doc="seconds between two looks at the issuer's keys"
    )
    jwks_cooldown_seconds: float = setting(
        5.0, minimum=0, doc="least seconds between two fetches because of an unknown key"
    )
    jwks_timeout_seconds: float = setting(
        2.0, minimum=0.1, maximum=60, doc="longest fetch of the keys, in seconds"
    )

    revocations_refresh_seconds: float = setting(
        15.0,
        minimum=0.05,
        maximum=50,
        doc="seconds between two looks at whose tokens were revoked; a revoked one is refused within 60",
    )
    revocations_timeout_seconds: float = setting(
        2.0, minimum=0.1, maximum=5, doc="longest such look for each 500 of them, in seconds"
    )

    compress_min_bytes: int = setting(
        1024, minimum=1, doc="smallest text, in bytes, that is compressed for clients who take gzip"
    )
    target_max_bytes: int = setting(8192, minimum=64, maximum=65536, doc="longest request target, in bytes")
    header_max_bytes: int = setting(16384, minimum=256, maximum=65536, doc="largest header section, in bytes")
    header_max_fields: int = setting(100, minimum=1, maximum=1000, doc="most header fields")
    idle_timeout_seconds: float = setting(75.0, minimum=0.1, doc="how long a client may be idle, in seconds")
    header_timeout_seconds: float = setting(
        10.0, minimum=0.1, doc="longest time for a header section, in seconds"
    )
    body_timeout_seconds: float = setting(
        10.0,
        minimum=0.1,
        doc="longest time for each 64 KiB of a body, in seconds, where the route states none",
    )
    write_timeout_seconds: float = setting(
        10.0, minimum=0.1, doc="longest time a client does not take what it is sent, in seconds"
    )

    def __post_init__(self) -> None:
        wrong = [f"{PREFIX}{line}" for line in (*self.wrong_addresses(), *self.faults_of_limits())]
        wrong += [
            f"{PREFIX}CORS_ORIGINS: {each} is not an origin as browsers send it, scheme://host or scheme://host:port"
            for each in self.allowed_origins
            if not _web_origin.fullmatch(each)
        ]
        try:
            networks_of(self.trusted_proxies)
        except ValueError as no_network:
            wrong.append(f"{PREFIX}TRUSTED_PROXIES: {no_network}")
        if wrong:
            raise SettingsError(wrong)

    @property
    def allowed_origins(self) -> list[str]:
        """The origins whose pages may call the API."""
        return listed(self.cors_origins)

    @property
    def trusted_networks(self) -> list[Network]:
        """The networks of the proxies in front."""
        return networks_of(self.trusted_proxies)

    @property
    def routes_path(self) -> Path:
        """The route file."""
        return Path(self.routes_file) if self.routes_file else _PACKAGED_ROUTES

    @property
    def limits(self) -> Limits:
        """What one client may take."""
        return Limits(
            connections=self.web_connections,
            target_bytes=self.target_max_bytes,
            head_bytes=self.header_max_bytes,
            fields=self.header_max_fields,
            idle_seconds=self.idle_timeout_seconds,
            head_seconds=self.header_timeout_seconds,
            body_seconds=self.body_timeout_seconds,
            write_seconds=self.write_timeout_seconds,
        )
