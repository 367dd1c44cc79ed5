"""`scripts/backup`: dump each service's database, verify what was dumped, restore it where nothing gets lost.

`restore` is one transaction: the database is what the dump holds, or what it was.
"""

import argparse
import sys
from pathlib import Path

from stack import backup_files
from stack.backup_files import Backup, BackupRefused
from stack.databases_of import ComposeDatabases, Databases, EmbeddedDatabases
from stack.places import DATABASES, Places
from stack.processes import StartFailed

ROW = "{service:<10} {taken_at:<22} {bytes:>12,}  {file}"


def dump(databases: Databases, service: str, folder: Path) -> Backup:
    """Dump a service's database. Raises BackupRefused."""
    facts = databases.facts(service)
    backup = backup_files.save(folder, service, facts, databases.dump(service))
    if databases.facts(service)["migrations"] != facts["migrations"]:
        backup.remove()
        raise BackupRefused(f"{service} was migrated meanwhile: once more")
    return backup


def restore(databases: Databases, service: str, backup: Backup, migrations: Path, *, force: bool) -> None:
    """Make a service's database what a backup holds, and bring its schema up to this release.

    Raises BackupRefused for a backup of another service, of a newer release or a newer PostgreSQL, one that is
    damaged, while the service is connected, and where anything would get lost, unless that is asked for.
    """
    manifest = backup.manifest
    if manifest.service != service:
        raise BackupRefused(f"{backup.file} is a backup of {manifest.service}, not of {service}")
    known = backup_files.digests(migrations)
    if unknown := sorted(manifest.migrations.items() - known.items()):
        raise BackupRefused(f"{backup.file} is of another release than this one: it has {unknown[0][0]}")
    backup.verify()
    databases.prepare(service)
    server = databases.server_version(service)
    if manifest.server_version // 10000 > server // 10000:
        raise BackupRefused(
            f"{backup.file} is of PostgreSQL {manifest.server_version // 10000}, newer than {server // 10000}"
        )
    if connected := databases.connected(service):
        raise BackupRefused(f"{service} is connected ({connected} sessions): stop it and its worker first")
    if not force and (filled := databases.filled(service)):
        raise BackupRefused(f"the database of {service} has rows ({', '.join(filled)}): --force loses them")
    databases.restore(service, backup.file)
    databases.migrate(service)


def chosen(folder: Path, service: str, file: Path | None) -> Backup:
    """Return the backup that is asked for: a file's, or the newest of the service. Raises BackupRefused."""
    if file is not None:
        return backup_files.read(file)
    if not (known := backup_files.found(folder, service)):
        raise BackupRefused(f"there is no backup of {service} in {folder}")
    return known[-1]


def run(asked: argparse.Namespace, databases: Databases, root: Path) -> None:
    """Do what is asked for. Raises BackupRefused."""
    if asked.action == "dump":
        for service in asked.service or DATABASES:
            show(dump(databases, service, asked.folder))
            for old in backup_files.forget(asked.folder, service, asked.keep) if asked.keep else ():
                print(f"{service:<10} removed {old.file}")
    elif asked.action == "restore":
        backup = chosen(asked.folder, asked.service, asked.file)
        restore(databases, asked.service, backup, root / asked.service / "migrations", force=asked.force)
        print(
            f"{asked.service} is what it was at {backup.manifest.taken_at}; deploy/OPERATIONS.md says how to go on"
        )
    else:
        for backup in (each for service in DATABASES for each in backup_files.found(asked.folder, service)):
            if asked.action == "verify":
                backup.verify()
            show(backup)


def show(backup: Backup) -> None:
    """Print the line of a backup."""
    told = backup.manifest
    taken_at = f"{backup.taken_at:%Y-%m-%d %H:%M:%S}Z"
    print(ROW.format(service=told.service, taken_at=taken_at, bytes=told.bytes, file=backup.file), flush=True)


def number(text: str) -> int:
    """Read a number from 1 on. Raises ValueError."""
    if (told := int(text)) < 1:
        raise ValueError("at least one is kept")
    return told


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/backup", description=__doc__)
    parser.add_argument("--compose", action="store_true", help="the containers of make compose-up")
    parser.add_argument(
        "--folder", type=Path, help="where backups lie; default: backups in the stack's state"
    )
    actions = parser.add_subparsers(dest="action", required=True)
    taking = actions.add_parser("dump", help="dump the databases, or those of some services")
    taking.add_argument("service", nargs="*", metavar="SERVICE", help=", ".join(DATABASES))
    taking.add_argument("--keep", type=number, help="remove all but so many of each; default: none")
    actions.add_parser("list", help="show what there is")
    actions.add_parser("verify", help="compare each dump with its checksum")
    back = actions.add_parser("restore", help="restore the newest backup of a service, or that of a file")
    back.add_argument("service", choices=DATABASES)
    back.add_argument("file", nargs="?", type=Path)
    back.add_argument("--force", action="store_true", help="lose the rows that are there")
    told = parser.parse_args()
    if unknown := set(getattr(told, "service", ()) or ()) - set(DATABASES) if told.action == "dump" else ():
        parser.error(f"no service has a database of its own but {', '.join(DATABASES)}: {', '.join(unknown)}")
    return told


def main() -> None:
    """Run `scripts/backup`; the exit code is 1 where something is refused or fails."""
    places, asked = Places.of(), arguments()
    databases = ComposeDatabases.of(places) if asked.compose else EmbeddedDatabases(places)
    asked.folder = asked.folder or databases.folder
    try:
        run(asked, databases, places.root)
    except (BackupRefused, StartFailed) as refusal:
        sys.exit(str(refusal))
    except OSError as failure:  # a full disk, say
        sys.exit(f"{failure.filename or asked.folder}: {failure.strerror}")


if __name__ == "__main__":
    main()
