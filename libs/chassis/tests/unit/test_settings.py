import dataclasses
import io
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis import logs
from chassis.settings import (
    EXIT_CONFIG,
    Secret,
    ServiceSettings,
    SettingsError,
    load,
    load_or_exit,
    setting,
    table,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    key: Secret = setting(doc="a key")
    count: int = setting(3, minimum=1, maximum=9, doc="how many")
    wait_seconds: float = setting(0.5, doc="how long")
    mode: str = setting("fast", choices=("fast", "slow"), doc="how")
    file: Path = setting(doc="where")
    verbose: bool = setting(False, doc="whether")


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    key: int = setting(doc="a key")
    key_file: Path = setting(doc="where another is")


GOOD = {"BOX_KEY": "hunter2", "BOX_FILE": "/a/b"}


def test_fields_are_read_by_prefix_and_name_with_their_types():
    read = load(Settings, "BOX_", GOOD | {"BOX_COUNT": "7", "BOX_VERBOSE": "true"})
    assert read == Settings(key=Secret("hunter2"), count=7, file=Path("/a/b"), verbose=True)
    assert read.wait_seconds == 0.5


def test_all_errors_are_told_at_once():
    with pytest.raises(SettingsError) as raised:
        load(Settings, "BOX_", {"BOX_COUNT": "many", "BOX_MODE": "odd", "BOX_WAIT_SECONDS": "nan"})
    named = {line.split(":")[0] for line in raised.value.lines}
    assert named == {"BOX_KEY", "BOX_COUNT", "BOX_WAIT_SECONDS", "BOX_MODE", "BOX_FILE"}


@pytest.mark.parametrize("count", ["0", "10", "1.5", ""])
def test_bounds_hold_and_an_empty_variable_is_one_not_set(count):
    if not count:
        assert load(Settings, "BOX_", GOOD | {"BOX_COUNT": count}).count == 3
        return
    with pytest.raises(SettingsError, match="BOX_COUNT"):
        load(Settings, "BOX_", GOOD | {"BOX_COUNT": count})


def test_an_empty_required_variable_is_missing():
    with pytest.raises(SettingsError, match="BOX_KEY"):
        load(Settings, "BOX_", GOOD | {"BOX_KEY": ""})


def test_a_value_may_be_in_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("hunter3\n")
    read = load(Settings, "BOX_", {"BOX_KEY_FILE": str(file), "BOX_FILE": "/a/b"})
    assert read.key.reveal() == "hunter3"


def test_a_setting_that_is_a_file_itself_is_not_read(tmp_path):
    (tmp_path / "key").write_text("hunter3")
    read = load(FileSettings, "BOX_", {"BOX_KEY_FILE": str(tmp_path / "key"), "BOX_KEY": "2"})
    assert (read.key_file, read.key) == (tmp_path / "key", 2)


def test_a_file_that_cannot_be_read_is_told_by_its_variable_alone(tmp_path):
    with pytest.raises(SettingsError) as raised:
        load(Settings, "BOX_", {"BOX_KEY_FILE": str(tmp_path / "none"), "BOX_FILE": "/a/b"})
    (line,) = raised.value.lines
    assert line.startswith("BOX_KEY_FILE: cannot be read: ")


def test_a_value_that_is_given_twice_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="BOX_KEY_FILE: BOX_KEY is set as well"):
        load(Settings, "BOX_", GOOD | {"BOX_KEY_FILE": str(tmp_path / "key")})


def test_a_secret_does_not_show_itself():
    read = load(Settings, "BOX_", GOOD)
    shown = [repr(read), str(read.key), f"{read.key}", f"{read.key:>10}", "%s" % read.key, str([read.key])]  # noqa: UP031
    assert not any("hunter2" in each for each in shown)
    assert read.key.reveal() == "hunter2"
    assert type(read.key.reveal()) is str


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(Settings, "BOX_", GOOD).count = 4


def test_the_table_has_a_row_for_each_variable():
    rows = table(ServiceSettings, "BOX_").splitlines()[2:]
    assert len(rows) == len(dataclasses.fields(ServiceSettings))
    assert "| `BOX_DB_POOL_TIMEOUT_SECONDS` | `2.0` | longest wait for a connection, in seconds |" in rows
    assert any(row.startswith("| `BOX_DB_URL` | required |") for row in rows)


def test_an_entry_point_logs_each_error_and_exits_with_78(capsys):
    with pytest.raises(SystemExit) as exit_:
        load_or_exit(Settings, "BOX_", {"BOX_COUNT": "many"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    logs.configure("box", "INFO", io.StringIO())
    assert exit_.value.code == EXIT_CONFIG
    assert [line["level"] for line in lines] == ["ERROR"] * 3
    assert all("BOX_" in line["message"] for line in lines)


def test_the_readme_has_the_table_as_it_is():
    readme = Path(__file__).parents[2] / "README.md"
    assert table(ServiceSettings, "") in readme.read_text()


def test_what_is_wrong_with_a_setting_named_like_a_secret_is_told(capsys):
    @dataclass(frozen=True, kw_only=True)
    class Issuer:
        token_issuer: str = setting(doc="who signs")

    with pytest.raises(SystemExit):
        load_or_exit(Issuer, "BOX_", {})
    line = json.loads(capsys.readouterr().out)
    logs.configure("box", "INFO", io.StringIO())
    assert (line["message"], line["cause"]) == (
        "setting refused: BOX_TOKEN_ISSUER",
        "Environment variable not set.",
    )
