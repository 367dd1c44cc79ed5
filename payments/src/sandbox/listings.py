"""Stripe's collections: one object by its id, and pages of them, newest first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.errors import InvalidParameter, ObjectMissing, ReferenceMissing
from sandbox.forms import Form
from sandbox.ledger import Row, Transaction

LIMIT_DEFAULT = 10
LIMIT_MAX = 100
TIME_MAX = 10**12

CREATED = """
  AND (:gt  IS NULL OR listed.created >  :gt)
  AND (:gte IS NULL OR listed.created >= :gte)
  AND (:lt  IS NULL OR listed.created <  :lt)
  AND (:lte IS NULL OR listed.created <= :lte)
"""
OLDER = """
  AND (:position IS NULL OR listed.position < :position)
ORDER BY listed.position DESC
LIMIT :limit
"""
NEWER = """
  AND listed.position > :position
ORDER BY listed.position
LIMIT :limit
"""


@dataclass(frozen=True)
class Page:
    """Which part of a collection is asked for."""

    limit: int
    starting_after: str | None
    ending_before: str | None
    created: dict[str, int | None]
    filters: dict[str, str | None]


@dataclass(frozen=True)
class Collection:
    """One kind of object: `select` names its table `listed`, `where` names the filters as parameters."""

    noun: str
    url: str
    select: str
    where: str
    filters: tuple[str, ...]
    present: Callable[[Row], dict[str, Any]]

    def find(self, tx: Transaction, object_id: str) -> Row | None:
        return tx.one(self.select + "WHERE listed.id = :id", id=object_id)

    def get(self, tx: Transaction, object_id: str) -> Row:
        """Return the row that the request's path names."""
        row = self.find(tx, object_id)
        if row is None:
            raise ObjectMissing(self.noun, object_id, "id")
        return row

    def shown(self, tx: Transaction, object_id: str) -> dict[str, Any]:
        """Return the object as the API answers it."""
        return self.present(self.get(tx, object_id))

    def asked(self, form: Form) -> Page:
        """Read a page's parameters."""
        page = Page(
            limit=form.integer("limit", minimum=1, maximum=LIMIT_MAX) or LIMIT_DEFAULT,
            starting_after=form.text("starting_after"),
            ending_before=form.text("ending_before"),
            created={
                bound: form.integer(f"created[{bound}]", minimum=0, maximum=TIME_MAX)
                for bound in ("gt", "gte", "lt", "lte")
            },
            filters={name: form.text(name) for name in self.filters},
        )
        if page.starting_after and page.ending_before:
            raise InvalidParameter("Received both starting_after and ending_before; only one is allowed.")
        return page

    def page(self, tx: Transaction, page: Page) -> dict[str, Any]:
        """Return a list object; one row more than asked for tells whether there are more."""
        backwards = page.ending_before is not None
        rows = tx.all(
            self.select + self.where + CREATED + (NEWER if backwards else OLDER),
            position=self._position(tx, page),
            limit=page.limit + 1,
            **page.created,
            **page.filters,
        )
        shown = rows[: page.limit]
        if backwards:
            shown.reverse()
        return {
            "object": "list",
            "data": [self.present(row) for row in shown],
            "has_more": len(rows) > page.limit,
            "url": self.url,
        }

    def _position(self, tx: Transaction, page: Page) -> int | None:
        cursor = page.ending_before or page.starting_after
        if cursor is None:
            return None
        row = self.find(tx, cursor)
        if row is None:
            param = "ending_before" if page.ending_before else "starting_after"
            raise ReferenceMissing(self.noun, cursor, param)
        return row["position"]
