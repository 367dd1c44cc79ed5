"""Where an issuer's keys are, as it says itself (OpenID Connect Discovery 1.0, section 4)."""

from collections.abc import Callable
from urllib.parse import urlsplit

from gateway.fetching import FetchFailed
from gateway.issuers import Issuer, is_web_address
from gateway.strict_json import NotStrictJson, load_object

Fetch = Callable[[str], bytes]


def keys_of(issuer: Issuer, fetch: Fetch) -> Callable[[], bytes]:
    """Return a call that gets an issuer's keys: from the address it was configured with, else from the one its
    metadata names, which is asked for again after a failure. It raises FetchFailed, as `fetch` does for an address."""
    found = issuer.jwks_url

    def get() -> bytes:
        nonlocal found
        if not found:
            found = _jwks_uri(issuer.name, fetch)
        try:
            return fetch(found)
        except FetchFailed:
            found = issuer.jwks_url
            raise

    return get


def _jwks_uri(name: str, fetch: Fetch) -> str:
    try:
        metadata = load_object(fetch(f"{name.rstrip('/')}/.well-known/openid-configuration"))
    except NotStrictJson as wrong:
        raise FetchFailed(f"the metadata of {name} is not JSON as it should be") from wrong
    if metadata.get("issuer") != name:
        raise FetchFailed(f"the metadata of {name} is that of another issuer")
    address = metadata.get("jwks_uri")
    if not is_web_address(address):
        raise FetchFailed(f"the metadata of {name} names no address of keys")
    if urlsplit(name).scheme == "https" != urlsplit(str(address)).scheme:
        raise FetchFailed(f"the metadata of {name} names keys at an address that is not https")
    return str(address)
