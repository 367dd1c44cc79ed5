"""Backups as files: a dump, and beside it what it holds; each is there whole, or not at all."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PIECE_BYTES = 1024 * 1024
DUMP, MANIFEST, UNFINISHED = ".dump", ".json", ".unfinished"


class BackupRefused(Exception):
    """A backup cannot be taken, believed or restored; says why."""


@dataclass(frozen=True)
class Manifest:
    """What a dump holds. `taken_at`, by the database's clock, is before its first row was read: everything older is in
    it. `migrations` are names and digests, `server_version` is PostgreSQL's own number, 170008 for 17.8."""

    service: str
    taken_at: str
    server_version: int
    migrations: Mapping[str, str]
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Backup:
    """A dump and its manifest on the disk."""

    file: Path
    manifest: Manifest

    @property
    def taken_at(self) -> datetime:
        return datetime.fromisoformat(self.manifest.taken_at)

    def verify(self) -> None:
        """Check that the dump is what was written. Raises BackupRefused."""
        digest = hashlib.sha256()
        try:
            with self.file.open("rb") as dump:
                while piece := dump.read(PIECE_BYTES):
                    digest.update(piece)
        except OSError as failure:
            raise BackupRefused(f"{self.file} cannot be read: {failure.strerror}") from failure
        if digest.hexdigest() != self.manifest.sha256:
            raise BackupRefused(f"{self.file} is not what was written: its checksum differs")

    def remove(self) -> None:
        """Remove both files, the one that makes it a backup first."""
        self.file.with_suffix(MANIFEST).unlink()
        self.file.unlink(missing_ok=True)


def save(folder: Path, service: str, facts: Mapping[str, Any], pieces: Iterable[bytes]) -> Backup:
    """Write a dump as it comes, then its manifest. What fails leaves no backup; raises what `pieces` raises."""
    own = folder / service
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = datetime.fromisoformat(facts["taken_at"]).strftime("%Y-%m-%dT%H%M%S.%fZ")
    file = own / f"{stamp}{DUMP}"
    digest, size = hashlib.sha256(), 0
    with _Whole(file) as dump:
        for piece in pieces:
            dump.write(piece)
            digest.update(piece)
            size += len(piece)
    manifest = Manifest(service=service, **facts, bytes=size, sha256=digest.hexdigest())
    with _Whole(file.with_suffix(MANIFEST)) as written:
        written.write(json.dumps(asdict(manifest), indent=1).encode())
    return Backup(file, manifest)


def read(file: Path) -> Backup:
    """Return the backup that a dump or a manifest is of. Raises BackupRefused."""
    try:
        manifest = Manifest(**json.loads(file.with_suffix(MANIFEST).read_text()))
        datetime.fromisoformat(manifest.taken_at)
    except (OSError, ValueError, TypeError) as failure:
        raise BackupRefused(f"{file} is no backup: what it holds is not told: {failure}") from failure
    return Backup(file.with_suffix(DUMP), manifest)


def found(folder: Path, service: str) -> list[Backup]:
    """Return the backups of a service, oldest first. Raises BackupRefused."""
    return [read(each) for each in sorted((folder / service).glob(f"*{MANIFEST}"))]


def forget(folder: Path, service: str, keep: int) -> list[Backup]:
    """Remove all but the newest backups of a service, and what was never finished; return what was a backup."""
    for left in (folder / service).glob(f"*{UNFINISHED}"):
        left.unlink()
    old = found(folder, service)[:-keep]
    for each in old:
        each.remove()
    return old


class _Whole:
    """A file that appears under its name when the block ends, on the disk by then, for its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(path.name + UNFINISHED)

    def __enter__(self) -> Any:
        number = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(number, "wb")
        return self._file

    def __exit__(self, kind: object, *_: object) -> None:
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
        if kind is not None:
            self._unfinished.unlink()
            return
        self._unfinished.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def digests(migrations: Path) -> dict[str, str]:
    """Return the digest of each migration of a folder by its name."""
    return {each.stem: hashlib.sha256(each.read_bytes()).hexdigest() for each in migrations.glob("*.sql")}
