"""Unit tests of loading a catalogue from a file."""

from pathlib import Path

import pytest

from orders.catalogue import MOST_ERRORS, load_file
from orders.service import Catalogue

HEADER = "sku,name,description,category,price,stock\n"
GOOD = HEADER + 'TEA-2,Green tea,"Mild, of Assam",tea,1299,5\nCUP-2,Cup,,,250,0\n'


@pytest.fixture
def load(tmp_path, catalogue, capsys):
    """Load a text, and tell the exit code and what was said."""

    def load(text: str | bytes) -> tuple[int, str]:
        path = tmp_path / "catalogue.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        code = load_file(path, catalogue)
        said = capsys.readouterr()
        return code, (said.err if code else said.out).replace(f"{path}: ", "")

    return load


def test_a_good_file_is_loaded(load, database):
    assert load(GOOD) == (0, "Products: 2 added, 0 changed, 0 unchanged.\n")
    tea = database.tables.products["TEA-2"]
    assert (tea.name, tea.description, tea.category) == ("Green tea", "Mild, of Assam", "tea")
    assert (tea.price, tea.currency, tea.stock) == (1299, "EUR", 5)


def test_loading_again_changes_what_differs(load, database):
    load(GOOD)
    known = database.tables.products["TEA-2"].id
    assert load(GOOD.replace("1299", "1399")) == (0, "Products: 0 added, 1 changed, 1 unchanged.\n")
    assert (database.tables.products["TEA-2"].id, database.tables.products["TEA-2"].price) == (known, 1399)


def test_columns_may_be_in_any_order_and_the_file_from_a_spreadsheet(load):
    assert load("\ufeffstock,price,category,description,name,sku\r\n5,1299,,,Tea,TEA-2\r\n")[0] == 0


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("tea,Tea,,,1,1", "line 3, sku: This does not have the form wanted."),
        (",Tea,,,1,1", "line 3, sku: This must have 2 to 40 characters."),
        ("TEA-3,,,,1,1", "line 3, name: This must have 1 to 200 characters."),
        ("TEA-3,Tea,,,12.99,1", "line 3, price: Not a whole number of minor units (12.99 EUR is 1299)."),
        ("TEA-3,Tea,,,0,1", "line 3, price: Must be greater than or equal to 1 and less than or equal to"),
        ("TEA-3,Tea,,,1,-1", "line 3, stock: Must be greater than or equal to 0 and less than or equal to"),
        ("TEA-3,Tea,,,1", "line 3, row: Not 6 cells."),
        ("TEA-3,Tea,,,1,1,1", "line 3, row: Not 6 cells."),
        ("TEA-2,Tea,,,1,1", "line 3, sku: TEA-2 is on line 2 already"),
        ('TEA-3,"Tea,,,1,1', "line 3: unexpected end of data"),
        (f"TEA-3,{'T' * 200_000},,,1,1", "line 3"),
    ],
)
def test_a_bad_row_is_told_by_line_and_column_and_nothing_is_loaded(load, database, row, complaint):
    before = dict(database.tables.products)
    code, said = load(f"{HEADER}TEA-2,Tea,,,1,1\n{row}\n")
    assert code == 1
    assert said.splitlines()[0] == "nothing was loaded."
    assert said.splitlines()[1].startswith(complaint)
    assert database.tables.products == before


def test_all_bad_rows_are_told_at_once(load):
    _, said = load(f"{HEADER}tea,Tea,,,x,1\nTEA-2,Tea,,,1,1\nTEA-3,Tea,,,1,x\n")
    assert [line.partition(":")[0] for line in said.splitlines()[1:]] == [
        "line 2, price",
        "line 2, sku",
        "line 4, stock",
    ]


def test_a_file_that_is_all_wrong_is_not_read_to_its_end(load):
    _, said = load(HEADER + "tea,Tea,,,1,1\n" * 10_000)
    assert len(said.splitlines()) == MOST_ERRORS + 2
    assert said.splitlines()[-1].endswith("too much is wrong; not read any further")


def test_bytes_that_are_not_utf_8_are_told(load):
    assert load(HEADER.encode() + b"TEA-2,T\xe9,,,1,1\n") == (
        1,
        "nothing was loaded.\nline 2, name: Not UTF-8.\n",
    )


@pytest.mark.parametrize(
    "text", ["", "\n", "name,sku\n", GOOD.removeprefix(HEADER), HEADER.replace("sku", "SKU")]
)
def test_a_file_without_the_header_is_refused(load, text):
    assert load(text) == (
        1,
        "nothing was loaded.\nline 1: the header must name the columns"
        " sku,name,description,category,price,stock\n",
    )


def test_a_file_that_is_not_there_is_one_sentence(tmp_path, catalogue: Catalogue, capsys):
    assert load_file(Path(tmp_path / "none.csv"), catalogue) == 1
    assert "No such file" in capsys.readouterr().err
