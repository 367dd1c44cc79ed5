"""The environment of the peers: frameworks that Souk itself does not use, hash-pinned like everything else."""

import hashlib
import subprocess
import sys
from pathlib import Path

from stack.environments import uv_environment
from stack.places import Places

REQUIREMENTS = Path(__file__).parent / "requirements.txt"


def peers_python(places: Places) -> Path:
    return places.root / ".run" / "bench" / "venv" / "bin" / "python"


def prepare(places: Places) -> None:
    """Make the environment where it is missing or out of date. Raises RuntimeError with what uv said."""
    python = peers_python(places)
    venv = python.parents[1]
    stamp, wanted = venv / "made-of", hashlib.sha256(REQUIREMENTS.read_bytes() + bytes(venv)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and python.exists():
        return
    print("· bench: environment of the peers", flush=True)
    (places.cache / "tmp").mkdir(parents=True, exist_ok=True)
    uv = str(places.root / "scripts" / ".venv" / "bin" / "uv")
    for step in (
        [uv, "venv", "--clear", "-p", sys.executable, str(venv)],
        [uv, "pip", "install", "-p", str(python), "--require-hashes", "-r", str(REQUIREMENTS)],
    ):
        ran = subprocess.run(step, env=uv_environment(places), capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"the environment of the peers could not be made: {ran.stderr.strip()}")
    stamp.write_text(wanted)
