"""Marshmallow fields for schemas: each refuses exactly what its part of the OpenAPI document says it
refuses."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from chassis import paging

# No control characters, visible characters at both ends; read alike by Python and by ECMA 262.
_VISIBLE, _INNER = "[^\\u0000-\\u0020\\u007f-\\u00a0]", "[^\\u0000-\\u001f\\u007f-\\u009f]"
TEXT_PATTERN = f"^{_VISIBLE}({_INNER}*{_VISIBLE})?$"
EMAIL_PATTERN = (
    "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    "(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$"
)
_digits = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


class Body(Schema):
    """A JSON object of a request or an answer: unknown fields are refused."""

    class Meta:
        unknown = RAISE


class Pattern(fields.String):
    """A string of `minimum` to `maximum` characters that matches a regular expression anchored at both
    ends."""

    default_error_messages = {
        "length": "This must have {minimum} to {maximum} characters.",
        "pattern": "This does not have the form wanted.",
    }

    def __init__(self, pattern: str, *, minimum: int = 1, maximum: int, **options: Any) -> None:
        said = {"pattern": pattern, "minLength": minimum, "maxLength": maximum, **options.pop("metadata", {})}
        super().__init__(metadata=said, **options)
        self.minimum, self.maximum = minimum, maximum
        # `$` would also match before a closing newline, in Python only.
        self._matches = re.compile(re.sub(r"\$\Z", r"\\Z", pattern)).match

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> Any:
        text: str = super()._deserialize(value, attr, data, **options)
        # The length first: it bounds what the expression is tried on.
        if not self.minimum <= len(text) <= self.maximum:
            raise self.make_error("length", minimum=self.minimum, maximum=self.maximum)
        if not self._matches(text):
            raise self.make_error("pattern")
        return text


class Text(Pattern):
    """One line for people: visible characters, spaces only between them, no control characters."""

    def __init__(self, minimum: int = 1, maximum: int = 200, **options: Any) -> None:
        pattern = TEXT_PATTERN if minimum else f"^({TEXT_PATTERN.strip('^$')})?$"
        super().__init__(pattern, minimum=minimum, maximum=maximum, **options)


class Email(Pattern):
    """An email address in the form the web uses, of at most 254 characters; it is not looked up."""

    def __init__(self, **options: Any) -> None:
        super().__init__(EMAIL_PATTERN, minimum=3, maximum=254, **options)


class Integer(fields.Integer):
    """A whole number from `minimum` to `maximum`. In JSON a number, never a string; in a query decimal
    digits."""

    def __init__(self, minimum: int, maximum: int, **options: Any) -> None:
        super().__init__(validate=validate.Range(min=minimum, max=maximum), **options)

    def _validated(self, value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)  # JSON Schema counts 1.0 among the integers
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.make_error("invalid")


class QueryInteger(Integer):
    """A whole number in a query string or a form, where everything is text."""

    def _validated(self, value: Any) -> Any:
        if isinstance(value, str) and _digits.fullmatch(value):
            return int(value)
        raise self.make_error("invalid")


class Id(fields.UUID):
    """A UUID in its usual text form."""

    _form = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)

    def _validated(self, value: Any) -> Any:
        if isinstance(value, str) and not self._form.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return super()._validated(value)


class Timestamp(fields.AwareDateTime):
    """A moment in aware UTC, RFC 3339 with `Z` in answers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            format="iso", metadata={"format": "date-time", **options.pop("metadata", {})}, **options
        )


class Cursor(Pattern):
    """The opaque position in a list; loads to the UUID of the last item seen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(paging.CURSOR_PATTERN, minimum=22, maximum=22, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> Any:
        return paging.decode_cursor(super()._deserialize(value, attr, data, **options))


class Limit(QueryInteger):
    """How many items a page holds: 1 to 100, 20 when not said."""

    def __init__(self, **options: Any) -> None:
        super().__init__(1, 100, load_default=20, **options)


class PageQuery(Body):
    """The query of every list: `limit` and `cursor` (None at the start)."""

    limit = Limit()
    cursor = Cursor(load_default=None)
