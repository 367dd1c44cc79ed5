"""Secrets: values that are not shown by accident."""


class Secret(str):
    """A string that does not show itself in repr(), str() or format(); `reveal()` gives the value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'****'" if len(self) else "''"

    def __str__(self) -> str:
        return "****" if len(self) else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def reveal(self) -> str:
        """Return the plain value, for the one call that needs it."""
        return "".join(self)
