"""Store: every SQL statement of the users service; rows to entities, constraint names to domain errors."""

from users import events
from users.domain import UserDeleted, UserRegistered
from users.postgres.accounts import Accounts
from users.postgres.notifications import Notifications
from users.postgres.revocations import Revocations
from users.postgres.sessions import Sessions


class Transaction(Accounts, Sessions, Revocations, Notifications):
    """One open transaction, as users.service wants it."""

    def record(self, happened: UserRegistered | UserDeleted) -> None:
        self.emit(events.published(happened))
