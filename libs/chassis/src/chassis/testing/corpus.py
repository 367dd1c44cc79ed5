"""gunicorn's own requests, good and bad, out of its source distribution: fetched from pip's package index, and kept."""

import fcntl
import re
import runpy
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_pin = re.compile(r"^gunicorn==(\S+).*\n(?: +.*\n)*", re.MULTILINE)
_first_line = re.compile(rb"^([^\r\n]+ HTTP/1\.1\r\n)", re.MULTILINE)
_hex = re.compile(rb"\\x([0-9A-Fa-f]{2})")
_SPELT = {b"\n": b"", b"\\r\\n": b"\r\n", b"\\0": b"\0", b"\\n": b"\n", b"\\t": b"\t"}


@dataclass(frozen=True)
class Read:
    """A request as gunicorn reads it."""

    method: str
    target: str
    body: bytes


@dataclass(frozen=True)
class Sample:
    """The bytes of one or more requests, and how gunicorn reads them; what it refuses has been read as none."""

    name: str
    raw: bytes
    requests: tuple[Read, ...] = ()

    @property
    def with_host(self) -> bytes:
        """The bytes with a Host in each request of HTTP/1.1 where the sample has none, which alone is a fault."""
        hostless = b"\nhost:" not in self.raw.lower() and _first_line.match(self.raw)
        return _first_line.sub(rb"\1Host: example.com\r\n", self.raw) if hostless else self.raw


def fetch(requirements: Path, folder: Path) -> Path:
    """Return the folder of the requests of the gunicorn that a requirements file pins; the hashes there are checked.

    Raises CalledProcessError, when the package index does not give it.
    """
    pin = _pin.search(requirements.read_text())
    assert pin is not None, f"{requirements} pins no gunicorn"
    kept = folder / f"gunicorn-{pin[1]}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come here at once
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=folder) as work:
                _unpack(_download(pin[0], Path(work)), Path(work)).rename(kept)
    return kept


def samples(folder: Path, kind: str) -> Iterator[Sample]:
    """Yield the samples of a kind, "valid" or "invalid", by name."""
    for file in sorted((folder / kind).glob("*.http")):
        yield Sample(file.stem, _bytes_of(file), tuple(_requests(file)) if kind == "valid" else ())


def _download(pin: str, work: Path) -> Path:
    """Have pip fetch the source distribution; pip's own environment knows nothing of the one that the tests run in."""
    venv.create(work / "pip", with_pip=True)
    (work / "pin.txt").write_text(pin)
    python = work / "pip" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    told = ["--no-deps", "--no-binary", "gunicorn", "--require-hashes", "-r", work / "pin.txt", "-d", work]
    subprocess.run([python, "-m", "pip", "download", "--quiet", *told], check=True)
    (found,) = work.glob("gunicorn-*.tar.gz")
    return found


def _unpack(archive: Path, work: Path) -> Path:
    with tarfile.open(archive) as members:
        members.extractall(work, filter="data")
    return work / archive.name.removesuffix(".tar.gz") / "tests" / "requests"


def _requests(file: Path) -> Iterator[Read]:
    told = runpy.run_path(str(file.with_suffix(".py")), {"uri": str})["request"]
    for each in told if isinstance(told, list) else [told]:
        yield Read(each["method"], each["uri"], each["body"] or b"")


def _bytes_of(file: Path) -> bytes:
    """Read a sample: its line ends are only for the eye, those that count are spelt out."""
    raw = file.read_bytes()
    for spelt, meant in _SPELT.items():
        raw = raw.replace(spelt, meant)
    return _hex.sub(lambda found: bytes([int(found[1], 16)]), raw)
