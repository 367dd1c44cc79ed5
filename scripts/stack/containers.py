"""The stack in containers: what docker compose is told, and the secrets that deploy/compose.yaml names."""

import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.certificates import WANTED
from stack.keys import PASSWORDS, PREFIXES, SIGNING_KEYS, write_private
from stack.places import DATABASES, SERVICES
from stack.processes import StartFailed

ADMIN_EMAIL = "admin@souk.example"
ROLES = {"owner": "_owner", "runtime": "_runtime"}
# Who the processes are where root starts them; else they are who starts them, for the secrets are theirs to read.
ORDINARY_UID = 10001
PASSWORD_BYTES = 24
# More than `up` waits for all to be ready.
COMMAND_SECONDS = 420


@dataclass(frozen=True)
class Containers:
    """One stack of containers of this checkout, under a name of its own."""

    root: Path
    state: Path
    project: str = "souk"
    gateway_port: int = 8080
    last_port: int = 0  # where there are several gateways; 0: there is one
    rate_exempt: str = ""
    version: str = "latest"
    overlay: str = ""
    tls: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def ports(self) -> range:
        """Return the ports that are published, one for each container of the gateway."""
        return range(self.gateway_port, max(self.gateway_port, self.last_port) + 1)

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    def image(self, service: str) -> str:
        return f"souk/{service}:{self.version}"

    @property
    def certificates(self) -> Path:
        return self.state / "certificates"

    def environment(self) -> dict[str, str]:
        """Return what deploy/compose.yaml is told."""
        own = {
            "SOUK_UID": str(os.getuid() or ORDINARY_UID),
            "SOUK_GID": str(os.getgid() if os.getuid() else ORDINARY_UID),
            "SOUK_SECRETS": str(self.secrets),
            "SOUK_CERTIFICATES": str(self.certificates),
            "SOUK_ORIGIN": self.url,
            "SOUK_VERSION": self.version,
            "GATEWAY_PORT": f"{self.ports[0]}-{self.ports[-1]}" if self.last_port else str(self.gateway_port),
            "ADMIN_EMAIL": ADMIN_EMAIL,
        }
        if self.rate_exempt:
            own["GATEWAY_RATE_EXEMPT"] = self.rate_exempt
        return dict(os.environ) | own

    def command(self, *arguments: str) -> list[str]:
        """Return a command of docker compose for this stack."""
        overlays = [name for name in (self.overlay, "tls" if self.tls else "") if name]
        names = ["compose.yaml", *(f"compose.{name}.yaml" for name in overlays)]
        files = [part for name in names for part in ("--file", str(self.root / "deploy" / name))]
        return ["docker", "compose", "--project-name", self.project, *files, *arguments]

    def compose(self, *arguments: str, given: str | None = None) -> None:
        """Run a command of docker compose and show what it says. Raises StartFailed."""
        what, command = f"docker compose {' '.join(arguments)}", self.command(*arguments)
        try:
            ran = subprocess.run(
                command, env=self.environment(), input=given, text=True, timeout=COMMAND_SECONDS
            )
        except subprocess.TimeoutExpired as slow:
            raise StartFailed(f"{what}: not done after {COMMAND_SECONDS} s") from slow
        if ran.returncode:
            raise StartFailed(f"{what}: failed")

    def for_people(self) -> dict[str, str]:
        """Return what a person or a test needs to use the stack."""
        password = (self.secrets / "admin-password").read_text()
        return {"GATEWAY_URL": self.url, "ADMIN_EMAIL": ADMIN_EMAIL, "ADMIN_PASSWORD": password}


def make_missing_secrets(stack: Containers) -> None:
    """Make whatever the stack does not have yet, for the user of its containers alone. Raises StartFailed."""
    stack.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (stack.secrets / "trust-bundle").exists():
        made = passwords() | signing_keys(stack.image("gateway"))
        made["token-keys"] = printed_by(stack.image("users"), "-m", "users.keys")
        # The bundle last: it is the word that all others are there.
        for name, text in made.items():
            write_private(stack.secrets / name, text)
            if os.getuid() == 0:
                os.chown(stack.secrets / name, ORDINARY_UID, ORDINARY_UID)
        bundle = stack.secrets / "trust-bundle.made"
        bundle.rename(stack.secrets / "trust-bundle")
    told = stack.environment()
    passwd = stack.secrets / "passwd"
    passwd.write_text(f"postgres:x:{told['SOUK_UID']}:{told['SOUK_GID']}::/tmp:/bin/sh\n")
    passwd.chmod(0o644)


def make_certificates(stack: Containers, *, renew: bool = False) -> None:
    """Make the certificates the stack does not have yet, or all anew, for the user of its containers alone. Raises
    StartFailed."""
    stack.certificates.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = stack.environment()
    if os.getuid() == 0:
        os.chown(stack.certificates, ORDINARY_UID, ORDINARY_UID)
    options = [
        f"--user={told['SOUK_UID']}:{told['SOUK_GID']}",
        f"--volume={stack.certificates}:/certificates",
    ]
    command = ["-m", "chassis.authority", *(["--renew"] if renew else []), "/certificates", *WANTED]
    print(printed_by(stack.image("gateway"), *command, options=options), end="", flush=True)


def passwords() -> dict[str, str]:
    """Return new passwords, and the addresses that hold one."""
    made = {
        name: PREFIXES.get(name, "") + secrets.token_urlsafe(length) for name, length in PASSWORDS.items()
    }
    made["nats-url"] = f"nats://souk:{made['nats-password']}@nats:4222"
    made["nats-password"] = f'password: "{made["nats-password"]}"\n'
    for name in DATABASES:
        made[f"{name}-superuser-password"] = secrets.token_urlsafe(PASSWORD_BYTES)
        for role, suffix in ROLES.items():
            password = made[f"{name}-{role}-password"] = secrets.token_urlsafe(PASSWORD_BYTES)
            made[f"{name}-{role}-url"] = f"postgresql://{name}{suffix}:{password}@{name}-db/{name}"
    return made


def signing_keys(image: str) -> dict[str, str]:
    """Return the key each service signs its assertions with, and the bundle all of them verify against."""
    pairs = json.loads(printed_by(image, "-c", SIGNING_KEYS, *SERVICES))
    private = {f"{issuer}-signing-key": json.dumps(pair[0]) for issuer, pair in pairs.items()}
    return private | {
        "trust-bundle.made": json.dumps({"keys": [pair[1] for pair in pairs.values()]}, indent=1)
    }


def printed_by(image: str, *arguments: str, options: Sequence[str] = ()) -> str:
    """Return what the Python of an image prints; the libraries for keys live there. Raises StartFailed."""
    command = ["docker", "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"]
    ran = subprocess.run([*command, *options, image, "python", *arguments], capture_output=True, text=True)
    if ran.returncode:
        raise StartFailed(f"{image} could not make keys: {ran.stderr.strip()}")
    return ran.stdout
