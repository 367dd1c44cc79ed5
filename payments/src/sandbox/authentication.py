"""The API key, as Bearer token or as the user name of Basic authentication."""

import hmac

from flask import request

from sandbox.errors import Unauthorized


def require_key(api_key: str) -> None:
    """Refuse the current request unless it brings the API key."""
    given = request.authorization
    key = given and (given.token if given.type == "bearer" else given.get("username"))
    if not key:
        raise Unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not hmac.compare_digest(key.encode(), api_key.encode()):
        raise Unauthorized(f"Invalid API Key provided: ****{key[-4:] if len(key) > 12 else ''}")
