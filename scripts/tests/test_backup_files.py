"""Backups as files: whole or not there, believed only as they were written, and restored only where they belong."""

import json
import re
from argparse import Namespace
from pathlib import Path

import pytest

from stack import backup_files, backups
from stack.backup_files import BackupRefused
from stack.databases_of import Databases

FACTS = {"server_version": 170008, "migrations": {"0001_first": "a" * 64}}


class Stub(Databases):
    """A database that is told what it is, and remembers what was done to it."""

    def __init__(self, **told):
        self.told = {"connected": 0, "filled": [], "server_version": 170008, "facts": [FACTS]} | told
        self.done = []

    def facts(self, service):
        facts = self.told["facts"]
        told = facts.pop(0) if len(facts) > 1 else facts[0]
        return {"taken_at": "2026-11-20T08:00:00.000001+00:00", **told}

    def dump(self, service):
        yield b"one "
        if self.told.get("fails"):
            raise BackupRefused("the server is gone")
        yield b"two"

    def server_version(self, service):
        return self.told["server_version"]

    def connected(self, service):
        return self.told["connected"]

    def filled(self, service):
        return self.told["filled"]

    def restore(self, service, dump):
        self.done.append(("restored", dump.read_bytes()))

    def migrate(self, service):
        self.done.append("migrated")


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE first (id integer)")
    FACTS["migrations"] = backup_files.digests(folder)
    return folder


@pytest.fixture
def backup(tmp_path, migrations):
    return backups.dump(Stub(), "orders", tmp_path / "backups")


def restore(backup, migrations, *, service="orders", force=False, **told):
    """Restore a backup and return what was done, or why nothing was."""
    stub = Stub(**told)
    try:
        backups.restore(stub, service, backup, migrations, force=force)
    except BackupRefused as refusal:
        assert stub.done == []
        return str(refusal)
    return stub.done


def test_a_backup_is_two_files_that_only_their_owner_can_read(backup, tmp_path):
    folder = tmp_path / "backups" / "orders"
    assert {each.name for each in folder.iterdir()} == {
        "2026-11-20T080000.000001Z.dump",
        "2026-11-20T080000.000001Z.json",
    }
    assert all(each.stat().st_mode & 0o077 == 0 for each in (folder, *folder.iterdir()))
    assert backup.file.read_bytes() == b"one two"
    [found] = backup_files.found(tmp_path / "backups", "orders")
    assert found == backup
    found.verify()


def test_a_dump_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(BackupRefused, match="the server is gone"):
        backups.dump(Stub(fails=True), "orders", tmp_path)
    assert list((tmp_path / "orders").iterdir()) == []


def test_a_database_that_is_migrated_meanwhile_is_dumped_once_more(tmp_path):
    changed = FACTS | {"migrations": {"0001_first": "b"}}
    with pytest.raises(BackupRefused, match="once more"):
        backups.dump(Stub(facts=[FACTS, changed]), "orders", tmp_path)
    assert list((tmp_path / "orders").iterdir()) == []


def test_a_good_backup_is_restored_and_migrated(backup, migrations):
    assert restore(backup, migrations) == [("restored", b"one two"), "migrated"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"service": "users"}, "is a backup of orders, not of users"),
        ({"connected": 3}, "orders is connected"),
        ({"filled": ["orders", "products"]}, r"has rows \(orders, products\): --force"),
        ({"server_version": 160004}, "PostgreSQL 17, newer than 16"),
    ],
)
def test_a_backup_is_restored_only_where_it_belongs_and_nothing_gets_lost(backup, migrations, told, said):
    assert re.search(said, restore(backup, migrations, **told))


def test_rows_are_lost_when_that_is_asked_for(backup, migrations):
    assert restore(backup, migrations, filled=["orders"], force=True)[-1] == "migrated"


def test_a_backup_of_a_newer_release_is_refused_by_the_migration_that_is_not_known(backup, migrations):
    (migrations / "0001_first.sql").rename(migrations / "0001_other.sql")
    assert "has 0001_first" in restore(backup, migrations)


def test_a_backup_whose_migration_is_another_text_is_refused(backup, migrations):
    (migrations / "0001_first.sql").write_text("something else")
    assert "has 0001_first" in restore(backup, migrations)


@pytest.mark.parametrize("damage", [b"one tw", b"one two!", b"one twO"])
def test_a_damaged_backup_is_refused(backup, migrations, damage):
    backup.file.write_bytes(damage)
    assert "checksum" in restore(backup, migrations)


def test_a_dump_without_its_manifest_is_no_backup(backup):
    backup.file.with_suffix(".json").unlink()
    with pytest.raises(BackupRefused, match="is no backup"):
        backup_files.read(backup.file)


def test_a_manifest_that_cannot_be_read_is_refused(backup):
    backup.file.with_suffix(".json").write_text(json.dumps({"service": "orders"}))
    with pytest.raises(BackupRefused, match="is no backup"):
        backup_files.read(backup.file)


def test_only_the_newest_are_kept_and_the_unfinished_go(tmp_path, migrations):
    made = []
    for hour in range(4):
        facts = [FACTS | {"taken_at": f"2026-11-20T0{hour}:00:00+00:00"}]
        made.append(backups.dump(Stub(facts=facts), "orders", tmp_path))
    (tmp_path / "orders" / "2026.dump.unfinished").touch()
    assert backup_files.forget(tmp_path, "orders", keep=2) == made[:2]
    assert backup_files.found(tmp_path, "orders") == made[2:]
    assert len(list((tmp_path / "orders").iterdir())) == 4


def test_the_newest_is_restored_unless_a_file_is_named(tmp_path, migrations, backup):
    assert backups.chosen(tmp_path / "backups", "orders", None) == backup
    assert backups.chosen(tmp_path, "orders", backup.file) == backup
    with pytest.raises(BackupRefused, match="no backup of users"):
        backups.chosen(tmp_path / "backups", "users", None)


def test_verify_finds_the_damaged_one(tmp_path, backup):
    backup.file.write_bytes(b"")
    asked = Namespace(action="verify", folder=tmp_path / "backups")
    with pytest.raises(BackupRefused, match="checksum"):
        backups.run(asked, Stub(), tmp_path)
