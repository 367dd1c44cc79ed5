"""The command that makes key files."""

import subprocess
import sys

import pytest

from chassis.assertions import Signer, Verifier
from chassis.keys import make
from chassis.trust import TrustBundle


def test_what_one_signs_the_other_believes(tmp_path):
    make(tmp_path / "keys", ["gateway", "boxes"])
    signer = Signer.load(tmp_path / "keys" / "gateway.jwk", "gateway")
    verifier = Verifier(TrustBundle.load(tmp_path / "keys" / "trust-bundle.json"), "boxes")
    assert verifier.verify(signer.sign("boxes", None)).issuer == "gateway"
    assert all(each.stat().st_mode & 0o077 == 0 for each in (tmp_path / "keys").iterdir())


def test_no_key_is_replaced(tmp_path):
    make(tmp_path, ["gateway"])
    with pytest.raises(FileExistsError):
        make(tmp_path, ["gateway"])
    command = [sys.executable, "-m", "chassis.keys", str(tmp_path), "gateway"]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert (refused.returncode, refused.stderr) == (1, f"{tmp_path}/gateway.jwk: File exists\n")
