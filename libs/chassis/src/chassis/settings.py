"""Settings: frozen dataclasses read once from the environment, all errors at once, secrets masked."""

import dataclasses
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from environs import Env, EnvValidationError, ValidationError, validate

from chassis import checks, logs
from chassis.environment import with_files
from chassis.secret import Secret
from chassis.tls_settings import TlsSettings

S = TypeVar("S")

REQUIRED: Any = dataclasses.MISSING
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h


class SettingsError(Exception):
    """The environment cannot be used; `lines` says what is wrong with each variable."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


@dataclass(frozen=True)
class _Check:
    """A check as the validator that environs wants."""

    check: Callable[[Any], None]

    def __call__(self, value: Any) -> None:
        try:
            self.check(value)
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from wrong


def setting(
    default: Any = REQUIRED,
    *,
    doc: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] = (),
    check: Callable[[Any], None] | None = None,
    variable: str = "",
) -> Any:
    """Declare a field of a settings class: its default (none: required), its bounds, what raises ValueError for a
    value that cannot be (chassis.checks), and its line in the README; `variable` is its name where that is the same
    for all services, of a standard."""
    validators: list[Callable[[Any], Any]] = []
    if check is not None:
        validators.append(_Check(check))
    if minimum is not None or maximum is not None:
        validators.append(validate.Range(min=minimum, max=maximum))
    if choices:
        validators.append(validate.OneOf(choices))
    return dataclasses.field(
        default=default, metadata={"doc": doc, "validate": validators, "variable": variable}
    )


@dataclass(frozen=True, kw_only=True)
class ProcessSettings(TlsSettings):
    """What every process of Souk is told."""

    bind: str = setting(
        "0.0.0.0:8000", check=checks.listening_address, doc="address the web process listens on"
    )
    web_processes: int = setting(2, minimum=1, maximum=64, doc="web processes")
    web_worker_class: str = setting("gevent", choices=("gevent", "gthread"), doc="how a web process serves")
    web_connections: int = setting(200, minimum=1, doc="connections or threads of one web process")
    trust_bundle_file: Path = setting(
        check=checks.trust_bundle, doc="public keys of all who sign assertions (JWKS)"
    )
    signing_key_file: Path = setting(check=checks.signing_key, doc="own private key for assertions (JWK)")
    body_max_bytes: int = setting(65536, minimum=1, doc="largest request body, in bytes")
    request_deadline_seconds: float = setting(
        10.0, minimum=0.1, maximum=300, doc="most time a request gets, in seconds; a caller may give it less"
    )
    shutdown_linger_seconds: float = setting(
        0.0, minimum=0, maximum=120, doc="seconds to serve on, unready, after SIGTERM"
    )
    shutdown_drain_seconds: float = setting(
        10.0, minimum=0, maximum=300, doc="seconds that requests in hand get to end after that"
    )
    log_level: str = setting(
        "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), doc="least severe level that is logged"
    )
    metrics_dir: str = setting("", doc="folder of the processes' metrics; empty: a new temporary one")
    release: str = setting("dev", doc="release that runs, told in each log line")
    otlp_endpoint: str = setting(
        "",
        doc="where traces are sent by OTLP over HTTP, as http://collector:4318; empty: nowhere",
        check=checks.web_address,
        variable="OTEL_EXPORTER_OTLP_ENDPOINT",
    )
    otlp_headers: Secret = setting(
        Secret(""),
        doc="headers for who takes them there, as api-key=abc,tenant=shop; percent-encoded",
        variable="OTEL_EXPORTER_OTLP_HEADERS",
    )
    otlp_certificate: str = setting(
        "",
        doc="file of the authorities believed about its certificate; empty: the usual ones",
        variable="OTEL_EXPORTER_OTLP_CERTIFICATE",
    )
    tls_certificate_file: str = setting(
        "", doc="own certificate (PEM), which switches TLS on with the two below; empty: plain connections"
    )
    tls_key_file: str = setting("", doc="its private key (PEM)")
    tls_authority_file: str = setting("", doc="authorities whose certificates are believed (PEM)")
    tls_peers: str = setting(
        "", doc="names in their certificates of those who may connect, comma separated; empty: any"
    )
    probe_bind: str = setting(
        "",
        check=checks.listening_address,
        doc="address of /livez, /readyz and /metrics without TLS, for who has no certificate; empty: none",
    )


@dataclass(frozen=True, kw_only=True)
class ServiceSettings(ProcessSettings):
    """What every service with a database and a worker is told besides."""

    db_url: Secret = setting(check=checks.database_address, doc="PostgreSQL URL of the runtime role")
    db_owner_url: Secret = setting(Secret(""), doc="PostgreSQL URL of the owner role; for migrations only")
    db_pool_min_size: int = setting(1, minimum=0, doc="connections a process keeps open")
    db_pool_max_size: int = setting(10, minimum=1, doc="most connections of a process")
    db_pool_timeout_seconds: float = setting(
        2.0, minimum=0.01, doc="longest wait for a connection, in seconds"
    )
    db_statement_timeout_seconds: float = setting(5.0, minimum=0.01, doc="longest statement, in seconds")
    db_connect_timeout_seconds: int = setting(3, minimum=1, doc="longest connection attempt, in seconds")
    nats_url: str = setting("nats://127.0.0.1:4222", check=checks.broker_address, doc="message broker")
    nats_replicas: int = setting(
        1, minimum=1, maximum=5, doc="servers of the broker that keep each stream, from when it is made on"
    )
    worker_bind: str = setting(
        "0.0.0.0:8001", check=checks.listening_address, doc="address of the worker's own health and metrics"
    )

    def faults(self) -> Iterator[str]:
        """Yield what is wrong between settings, each by its variable without the prefix."""
        yield from super().faults()
        if self.nats_url.startswith("tls:") and not self.tls_certificate_file:
            yield "NATS_URL: tls://, and TLS_CERTIFICATE_FILE is empty"


class _MappingEnv(Env):
    """environs over a mapping that is given, not over os.environ."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self.given = values

    def _get_value(self, env_key: str, default: Any) -> Any:
        # An empty variable is one that was not set: compose files and shells cannot say it otherwise.
        return self.given.get(env_key) or default


def load(cls: type[S], prefix: str, env: Mapping[str, str] = os.environ) -> S:
    """Read a settings class from the environment; a field's variable is `prefix` + its name in upper case, or
    that of a standard, or that and _FILE, which names a file that holds the value.

    Raises SettingsError with one line for each variable that is missing or wrong.
    """
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    told, unread = with_files(env, [_variable(prefix, each) for each in fields])
    reader = _MappingEnv(told)
    values = {each.name: _read(reader, prefix, each) for each in fields}
    wrong = dict(unread)
    try:
        reader.seal()
    except EnvValidationError as invalid:
        messages: Mapping[str, Any] = invalid.error_messages  # type: ignore[assignment]
        without_file = {
            name: " ".join(said) for name, said in messages.items() if f"{name}_FILE" not in unread
        }
        wrong |= without_file
    if wrong:
        raise SettingsError([f"{name}: {said}" for name, said in wrong.items()])
    made = cls(**values)
    if isinstance(made, ProcessSettings) and (unfit := [prefix + each for each in made.faults()]):
        raise SettingsError(unfit)
    return made


def load_or_exit(cls: type[S], prefix: str, env: Mapping[str, str] = os.environ) -> S:
    """Read a settings class for an entry point: on errors log each and exit with code 78 (EX_CONFIG)."""
    try:
        return load(cls, prefix, env)
    except SettingsError as wrong:
        logs.configure(prefix.rstrip("_").lower(), "INFO")
        for line in wrong.lines:
            name, _, cause = line.partition(
                ": "
            )  # apart, as a name like ..._TOKEN_... would mask what follows it
            logging.getLogger(__name__).error("setting refused: %s", name, extra={"cause": cause})
        sys.exit(EXIT_CONFIG)


def table(cls: type, prefix: str) -> str:
    """Return the README's table of a settings class: name, default and meaning, in Markdown."""
    rows = ["| name | default | meaning |", "|---|---|---|"]
    for each in dataclasses.fields(cls):
        default = (
            "required" if each.default is REQUIRED else f"`{each.default}`" if each.default != "" else "empty"
        )
        rows.append(f"| `{_variable(prefix, each)}` | {default} | {each.metadata['doc']} |")
    return "\n".join(rows)


def _variable(prefix: str, each: dataclasses.Field[Any]) -> str:
    return each.metadata["variable"] or prefix + each.name.upper()


def _read(reader: Env, prefix: str, each: dataclasses.Field[Any]) -> Any:
    parsers: dict[Any, Callable[..., Any]] = {
        int: reader.int,
        float: reader.float,
        bool: reader.bool,
        Path: reader.path,
        str: reader.str,
        Secret: reader.str,
    }
    options: dict[str, Any] = {"validate": each.metadata["validate"]}
    if each.default is not REQUIRED:
        options["default"] = each.default
    value = parsers[each.type](_variable(prefix, each), **options)
    return Secret(value) if each.type is Secret and value is not None else value
