"""What browsers are told to guard against, on every answer; made once."""

_EVERYWHERE = b"x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"
# A browser that comes once by https comes by nothing else for a year (RFC 6797).
_HTTPS_ONLY = b"strict-transport-security: max-age=31536000\r\n"
# An answer of the API is data: nothing in it may load, run or be framed.
_DATA_ONLY = b"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"

NEVER_STORED = b"cache-control: no-store\r\n"
# The gateway's word alone, whatever a service says.
MADE_HERE = frozenset(
    (
        b"x-content-type-options",
        b"referrer-policy",
        b"strict-transport-security",
        b"content-security-policy",
    )
)


# By the scheme that the client came by: those of a page, which states a content policy of its own, and of the API.
PAGE_FIELDS = {"http": _EVERYWHERE, "https": _EVERYWHERE + _HTTPS_ONLY}
API_FIELDS = {scheme: fields + _DATA_ONLY for scheme, fields in PAGE_FIELDS.items()}
