"""Routes: accounts and notifications. Signing in is in users.oauth."""

from uuid import UUID

from chassis.api import ADMIN, ANYONE, Api, Call, page_of
from chassis.fields import PageQuery
from chassis.paging import Page
from users.domain import EmailTaken, Notification, PasswordsBusy, User, UserNotFound
from users.schemas import (
    FeedPosition,
    FeedQuery,
    FeedView,
    NotificationView,
    Profile,
    Registration,
    UserView,
)
from users.service import Accounts, Revocations


def add_account_routes(api: Api, accounts: Accounts) -> None:
    @api.post(
        "/api/v1/users",
        body=Registration,
        answer=UserView,
        status=201,
        caller=ANYONE,
        errors=(EmailTaken, PasswordsBusy),
    )
    def register(call: Call) -> User:
        """Register an account."""
        return accounts.register(**call.body)

    @api.get("/api/v1/users/me", answer=UserView, errors=(UserNotFound,))
    def show_me(call: Call) -> User:
        """Show the own account."""
        return accounts.user(call.user_id)

    @api.patch("/api/v1/users/me", body=Profile, answer=UserView, errors=(UserNotFound,))
    def rename_me(call: Call) -> User:
        """Change the name of the own account."""
        return accounts.rename(call.user_id, call.body["name"])

    @api.delete("/api/v1/users/me", errors=(UserNotFound,))
    def delete_me(call: Call) -> None:
        """Erase the own account; its id stays, so that the books do."""
        accounts.delete(call.user_id)

    @api.get("/api/v1/users", query=PageQuery, answer=page_of(UserView), caller=ADMIN)
    def list_users(call: Call) -> Page[User]:
        """List all accounts, newest first."""
        return accounts.users(call.query["cursor"], call.query["limit"])

    @api.get("/api/v1/users/<uuid:user_id>", answer=UserView, caller=ADMIN, errors=(UserNotFound,))
    def show_user(call: Call, user_id: UUID) -> User:
        """Show an account."""
        return accounts.user(user_id)


def add_notification_routes(api: Api, accounts: Accounts) -> None:
    @api.get("/api/v1/users/me/notifications", query=PageQuery, answer=page_of(NotificationView))
    def list_notifications(call: Call) -> Page[Notification]:
        """List what happened to the own orders, newest first."""
        return accounts.notifications(call.user_id, call.query["cursor"], call.query["limit"])


def add_internal_routes(api: Api, revocations: Revocations) -> None:
    """No public route leads here."""

    @api.get("/internal/revocations", query=FeedQuery, answer=FeedView, caller=ANYONE)
    def list_revocations(call: Call) -> dict[str, object]:
        """List whose access tokens were revoked and may not have expired, from a position on; some may come twice."""
        feed = revocations.since(call.query["since"], call.query["limit"])
        return {"data": feed.data, "next_cursor": FeedPosition.text(feed.next_cursor), "more": feed.more}
