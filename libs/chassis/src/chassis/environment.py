"""The environment: variables whose value is in a file that another variable names."""

from collections.abc import Mapping, Sequence
from pathlib import Path


def with_files(env: Mapping[str, str], names: Sequence[str]) -> tuple[Mapping[str, str], dict[str, str]]:
    """Return the environment with the values of those variables that only name a file of it, NAME_FILE, without
    the line's end; and what is wrong, by variable."""
    read: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name in names:
        variable = f"{name}_FILE"
        if variable in names or not (file := env.get(variable)):
            continue  # where a setting is itself a file, its variable says nothing of another
        if env.get(name):
            wrong[variable] = f"{name} is set as well."
            continue
        try:
            read[name] = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as failure:
            wrong[variable] = f"cannot be read: {failure}"
    return {**env, **read}, wrong
