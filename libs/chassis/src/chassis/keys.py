"""Command: make the keys that services sign their assertions with, and the bundle that all verify against.

`python -m chassis.keys FOLDER ISSUER...` writes <issuer>.jwk for each, for its owner alone, and trust-bundle.json.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from chassis.assertions import generate_key

BUNDLE = "trust-bundle.json"


def make(folder: Path, issuers: Sequence[str]) -> None:
    """Write the files. Raises FileExistsError for one that is there: a key is not replaced by mistake."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pairs = {issuer: generate_key(issuer) for issuer in issuers}
    for issuer, (private, _) in pairs.items():
        _write(folder / f"{issuer}.jwk", orjson.dumps(private))
    public = {"keys": [each for _, each in pairs.values()]}
    _write(folder / BUNDLE, orjson.dumps(public, option=orjson.OPT_INDENT_2))


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="chassis.keys", description="Make keys that sign assertions.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("issuer", nargs="+", help="who signs: gateway, boxes, ...")
    told = parser.parse_args()
    try:
        make(told.folder, told.issuer)
    except OSError as failure:
        sys.exit(f"{failure.filename}: {failure.strerror}")


if __name__ == "__main__":
    main()
