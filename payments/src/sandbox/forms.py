"""Stripe's request parameters: form-encoded names with brackets, taken one by one until none is left."""

import re
from collections.abc import Iterable

from sandbox.errors import InvalidParameter

METADATA_MAX_KEYS = 50
METADATA_MAX_KEY_LENGTH = 40
METADATA_MAX_VALUE_LENGTH = 500
TEXT_MAX_LENGTH = 1000
INTEGER = re.compile(r"-?[0-9]{1,15}")


class Form:
    """The parameters of one request; `end()` refuses those that nobody took."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.rest = dict(pairs)

    def text(self, name: str) -> str | None:
        value = self.rest.pop(name, None)
        if value is not None and len(value) > TEXT_MAX_LENGTH:
            raise InvalidParameter(f"Invalid string: {name} is too long.", param=name)
        return value or None

    def required_text(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str, *, minimum: int, maximum: int) -> int | None:
        text = self.rest.pop(name, None)
        if text is None:
            return None
        if not INTEGER.fullmatch(text):
            problem = f"Invalid integer: {text[:80]}"
        elif int(text) < minimum:
            problem = f"This value must be greater than or equal to {minimum}."
        elif int(text) > maximum:
            problem = f"This value must be less than or equal to {maximum}."
        else:
            return int(text)
        raise InvalidParameter(problem, code="parameter_invalid_integer", param=name)

    def required_integer(self, name: str, *, minimum: int, maximum: int) -> int:
        value = self.integer(name, minimum=minimum, maximum=maximum)
        if value is None:
            raise missing(name)
        return value

    def choice(self, name: str, choices: Iterable[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            raise InvalidParameter(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
        return value

    def boolean(self, name: str) -> bool:
        return self.choice(name, ("true", "false")) == "true"

    def mapping(self, name: str) -> dict[str, str]:
        """Take every `name[key]`."""
        inside = re.compile(re.escape(name) + r"\[([^\[\]]*)\]")
        taken = {found[1]: key for key in self.rest if (found := inside.fullmatch(key))}
        return {key: self.rest.pop(whole) for key, whole in taken.items()}

    def texts(self, name: str) -> list[str]:
        """Take a list: `name[]` or `name[0]`, `name[1]`, ..."""
        return list(self.mapping(name).values())

    def metadata(self) -> dict[str, str]:
        metadata = {key: value for key, value in self.mapping("metadata").items() if value}
        if len(metadata) > METADATA_MAX_KEYS:
            raise InvalidParameter(f"Metadata can have at most {METADATA_MAX_KEYS} keys.", param="metadata")
        for key, value in metadata.items():
            if len(key) > METADATA_MAX_KEY_LENGTH or len(value) > METADATA_MAX_VALUE_LENGTH:
                raise InvalidParameter("Metadata keys or values are too long.", param=f"metadata[{key[:40]}]")
        return metadata

    def ignore(self, *names: str) -> None:
        """Take what Stripe knows and the sandbox has no use for."""
        for key in [key for key in self.rest if key.partition("[")[0] in names]:
            del self.rest[key]

    def end(self) -> None:
        for name in self.rest:
            shown = name[:80]
            raise InvalidParameter(
                f"Received unknown parameter: {shown}", code="parameter_unknown", param=shown
            )


def missing(name: str) -> InvalidParameter:
    """Return the error for a parameter that has to be there."""
    return InvalidParameter(f"Missing required param: {name}.", code="parameter_missing", param=name)
