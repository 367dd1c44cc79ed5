"""Entry point: loads products from a CSV file, all or none; `python -m orders.catalogue FILE.csv`."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from marshmallow import ValidationError

from chassis.errors import ServiceError
from chassis.fields import QueryInteger
from chassis.postgres import Database
from chassis.settings import load_or_exit
from chassis.validation import invalid_body
from orders.postgres import Store
from orders.schemas import PutProduct, Sku
from orders.service import Catalogue
from orders.settings import PREFIX, Settings

COLUMNS = ("sku", "name", "description", "category", "price", "stock")
MOST_ROWS = 200_000
MOST_ERRORS = 50
LONGEST_LINE_CHARACTERS = 65_536
STATEMENT_TIMEOUT_SECONDS = 300.0

# What stands in for bytes that are not UTF-8.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
PRICE_HINT = "Not a whole number of minor units (12.99 EUR is 1299)."


class Row(PutProduct):
    """A product as a row of text."""

    sku = Sku(required=True)
    price = QueryInteger(1, 99_999_999, required=True, error_messages={"invalid": PRICE_HINT})
    stock = QueryInteger(0, 1_000_000, required=True)


class BadCatalogue(Exception):
    """The file cannot be loaded; `lines` says where it is wrong and how."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


def read_catalogue(file: TextIO) -> Iterator[dict[str, Any]]:
    """Give the values of each row, one at a time. Raises BadCatalogue at the end, for all bad rows."""
    reader = csv.DictReader(iter(partial(file.readline, LONGEST_LINE_CHARACTERS), ""), strict=True)
    wrong: list[str] = []
    try:
        if sorted(reader.fieldnames or ()) != sorted(COLUMNS):
            raise BadCatalogue([f"line 1: the header must name the columns {','.join(COLUMNS)}"])
        yield from _good_rows(reader, wrong)
    except csv.Error as error:
        wrong.append(f"line {reader.reader.line_num}: {error}")
    if wrong:
        raise BadCatalogue(wrong)


def _good_rows(reader: csv.DictReader[str], wrong: list[str]) -> Iterator[dict[str, Any]]:
    schema = Row()
    lines: dict[str, int] = {}
    for cells in reader:
        line = reader.line_num
        if len(lines) == MOST_ROWS:
            raise BadCatalogue([*wrong, f"line {line}: more than {MOST_ROWS} products; split the file"])
        if len(wrong) >= MOST_ERRORS:
            raise BadCatalogue([*wrong, f"line {line}: too much is wrong; not read any further"])
        try:
            row = schema.load(_complete(cells))
        except ValidationError as error:
            found = invalid_body(error).errors
            wrong += [f"line {line}, {each.pointer[1:] or 'row'}: {each.detail}" for each in found]
            continue
        first = lines.setdefault(row["sku"], line)
        if first == line:
            yield row
        else:
            wrong.append(f"line {line}, sku: {row['sku']} is on line {first} already")


def _complete(cells: dict[str, Any]) -> dict[str, str]:
    if None in cells or None in cells.values():
        raise ValidationError(f"Not {len(COLUMNS)} cells.")
    if unreadable := {name: ["Not UTF-8."] for name, text in cells.items() if REPLACEMENT in text}:
        raise ValidationError(unreadable)
    return cells


def load_file(path: Path, catalogue: Catalogue) -> int:
    """Load the file, say what happened, and return the exit code."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            loaded = catalogue.load(read_catalogue(file))
    except BadCatalogue as bad:
        sys.stderr.write("\n".join([f"{path}: nothing was loaded.", *bad.lines, ""]))
        return 1
    except (OSError, ServiceError) as error:
        sys.stderr.write(f"{path}: nothing was loaded: {error}\n")
        return 1
    sys.stdout.write(
        f"Products: {loaded.added} added, {loaded.changed} changed, {loaded.unchanged} unchanged.\n"
    )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m orders.catalogue", description=__doc__)
    parser.add_argument("file", type=Path, help=f"CSV in UTF-8 with the columns {','.join(COLUMNS)}")
    path = parser.parse_args().file
    settings = load_or_exit(Settings, PREFIX)
    patient = dataclasses.replace(settings, db_statement_timeout_seconds=STATEMENT_TIMEOUT_SECONDS)
    database = Database(patient, Store)
    try:
        return load_file(path, Catalogue(database, settings.currency))
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
