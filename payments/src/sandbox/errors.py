"""What is answered instead of an object, in Stripe's shape: {"error": {"type", "message", ...}}."""

from typing import Any, ClassVar


class StripeError(Exception):
    """A request that is not fulfilled; `kept` says whether its idempotency key remembers that."""

    status: ClassVar[int] = 400
    type: ClassVar[str] = "invalid_request_error"
    kept: ClassVar[bool] = False

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = members

    def body(self) -> dict[str, Any]:
        """Return the JSON body that tells this error."""
        said = {name: value for name, value in self.members.items() if value is not None}
        return {"error": {"message": str(self), "type": self.type, **said}}


class InvalidParameter(StripeError):
    """The request itself is wrong; nothing was tried."""


class ObjectMissing(StripeError):
    """The object that the path names does not exist."""

    status = 404

    def __init__(self, noun: str, object_id: str, param: str) -> None:
        super().__init__(f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


class ReferenceMissing(ObjectMissing):
    """The object that a parameter names does not exist."""

    status = 400


class NotPossible(StripeError):
    """The request is well formed, but the state of things forbids it."""

    kept = True


class CardDeclined(StripeError):
    """The bank said no; the intent stays and waits for another payment method."""

    status = 402
    type = "card_error"
    kept = True


class Unauthorized(StripeError):
    """The API key is missing or wrong."""

    status = 401


class KeyReused(StripeError):
    """The idempotency key belongs to a request with other parameters."""

    type = "idempotency_error"


class KeyInUse(StripeError):
    """Another request with this idempotency key is being answered."""

    status = 409
    type = "idempotency_error"


class UnknownUrl(StripeError):
    """No such path or method."""

    status = 404


class TooLarge(StripeError):
    """The body is larger than any request of the API."""

    status = 413


class ServerError(StripeError):
    """The sandbox failed; the log says why."""

    status = 500
    type = "api_error"
