"""What unit tests share: a till whose books agree with the provider's in the end."""

from collections.abc import Iterator

import pytest
from doubles import Till


@pytest.fixture
def till() -> Iterator[Till]:
    made = Till()
    yield made
    if not made.database.tables.due:
        made.check_books()
