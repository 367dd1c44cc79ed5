"""The files of TLS: what is said of those that cannot be used, at the start and later."""

import ssl
from datetime import timedelta

import pytest

from chassis.authority import Authority, provide
from chassis.clock import utc_now
from chassis.settings import ProcessSettings, ServiceSettings, SettingsError, load
from chassis.testing.keys import Keys
from chassis.tls import Credentials

FILES = {"CERTIFICATE": "tls.crt", "KEY": "tls.key", "AUTHORITY": "ca.crt"}


@pytest.fixture(scope="module")
def authority():
    return Authority.make()


@pytest.fixture
def folder(authority, tmp_path):
    authority.issue(tmp_path / "box", ["box"])
    return tmp_path / "box"


def plain(folder):
    """Return the environment of a process that speaks plainly, with its keys in a folder."""
    keys = Keys(folder, "box")
    return {
        "BOX_TRUST_BUNDLE_FILE": str(keys.trust_bundle_file),
        "BOX_SIGNING_KEY_FILE": str(keys.signing_key_file("box")),
    }


def told(folder, **others):
    """Return the environment of a process whose files are in a folder."""
    return (
        plain(folder) | {f"BOX_TLS_{kind}_FILE": str(folder / name) for kind, name in FILES.items()} | others
    )


def refusal(env, cls=ProcessSettings):
    with pytest.raises(SettingsError) as refused:
        load(cls, "BOX_", env)
    return refused.value.lines


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_good_files_are_taken(folder):
    assert load(ProcessSettings, "BOX_", told(folder)).tls_files("BOX_").certificate == folder / "tls.crt"
    assert load(ProcessSettings, "BOX_", plain(folder)).tls_files("BOX_") is None


@pytest.mark.parametrize("kind", FILES)
def test_a_part_of_them_is_refused_by_what_is_missing(folder, kind):
    (line,) = refusal(told(folder) | {f"BOX_TLS_{kind}_FILE": ""})
    assert line.startswith(f"BOX_TLS_{kind}_FILE: missing, as TLS_")


@pytest.mark.parametrize(("kind", "name"), FILES.items())
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN"])
def test_a_file_that_cannot_be_used_is_refused_by_its_variable(folder, kind, name, content):
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    (line,) = refusal(told(folder))
    assert line.startswith(f"BOX_TLS_{kind}_FILE: {folder / name} ")


def test_a_key_of_another_certificate_is_refused(authority, folder, tmp_path):
    authority.issue(tmp_path / "other", ["other"])
    (folder / "tls.key").write_bytes((tmp_path / "other" / "tls.key").read_bytes())
    (line,) = refusal(told(folder))
    assert line == f"BOX_TLS_KEY_FILE: {folder / 'tls.key'} is not the key of TLS_CERTIFICATE_FILE"


@pytest.mark.parametrize(("days", "said"), [(-9, "expired at"), (2, "begins at")])
def test_a_certificate_out_of_its_time_is_refused_by_its_name(authority, folder, days, said):
    authority.issue(folder, ["box"], days=1, begins=utc_now() + timedelta(days=days))
    (line,) = refusal(told(folder))
    assert line.startswith(f"BOX_TLS_CERTIFICATE_FILE: the certificate of box {said} ")


def test_what_makes_no_sense_without_tls_is_refused(folder):
    assert refusal(plain(folder) | {"BOX_TLS_PEERS": "a"})[0].startswith("BOX_TLS_PEERS: ")
    without = plain(folder) | {"BOX_DB_URL": "postgresql://", "BOX_NATS_URL": "tls://nats:4222"}
    assert refusal(without, ServiceSettings) == ["BOX_NATS_URL: tls://, and TLS_CERTIFICATE_FILE is empty"]
    assert list(load(ProcessSettings, "BOX_", plain(folder)).fault_of_peer("URL", "https://a:1"))
    assert list(load(ProcessSettings, "BOX_", told(folder)).fault_of_peer("URL", "http://a:1"))
    assert not list(load(ProcessSettings, "BOX_", told(folder)).fault_of_peer("URL", "https://a:1"))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def credentials(folder, clock):
    files = load(ProcessSettings, "BOX_", told(folder)).tls_files("BOX_")
    return Credentials(files, service="box", monotonic=clock)


def test_a_new_certificate_is_taken_by_the_next_look(credentials, clock, authority, folder):
    first = credentials.current(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue(folder, ["box"])
    assert credentials.current(ssl.PROTOCOL_TLS_CLIENT) is first
    clock.now = 1.0
    assert credentials.current(ssl.PROTOCOL_TLS_CLIENT) is not first
    assert credentials.generation == 2


def test_a_folder_that_a_link_exchanges_is_noticed(authority, tmp_path, clock):
    for name in ("one", "two"):
        authority.issue(tmp_path / name, ["box"])
    (tmp_path / "now").symlink_to("one")
    files = load(ProcessSettings, "BOX_", told(tmp_path / "now")).tls_files("BOX_")
    credentials = Credentials(files, monotonic=clock)
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").replace(tmp_path / "now")
    clock.now = 1.0
    credentials.follow()
    assert credentials.generation == 2


def test_files_that_do_not_fit_yet_are_waited_for_and_then_refused_once(
    credentials, clock, authority, folder, tmp_path, caplog
):
    authority.issue(tmp_path / "new", ["box"])
    (tmp_path / "new" / "tls.crt").replace(folder / "tls.crt")
    for clock.now in (1.0, 2.0, 3.0):
        credentials.follow()
    refused = [record.message for record in caplog.records]
    assert refused == [
        f"certificate refused: BOX_TLS_KEY_FILE: {folder / 'tls.key'} is not the key of TLS_CERTIFICATE_FILE"
    ]
    (tmp_path / "new" / "tls.key").replace(folder / "tls.key")
    clock.now = 4.0
    credentials.follow()
    assert credentials.generation == 2


def test_the_same_failure_is_told_once_a_minute(credentials, clock, caplog):
    for clock.now in (0.0, 30.0, 61.0):
        credentials.tell("no connection", ssl.SSLError(1, "x"), client="a")
        credentials.tell("no connection", ssl.SSLError(1, "x"), client="b")
    assert len(caplog.records) == 4


def test_an_authority_makes_what_is_missing_and_renews_on_request(tmp_path):
    assert provide(tmp_path, ["one", "two=127.0.0.1"]) == ["authority", "one", "two"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("tls.*")}
    assert provide(tmp_path, ["one", "two", "three"]) == ["three"]
    assert provide(tmp_path, ["one"], renew=True) == ["one"]
    after = {path: path.read_bytes() for path in before}
    changed = {str(path.relative_to(tmp_path)) for path in before if before[path] != after[path]}
    assert changed == {"one/tls.crt", "one/tls.key"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("tls.key")} == {0o600}
