"""Schemas and other components of several services under one roof: what is the same is there once."""

from gateway.reference.document import Tree, referred, renamed


class Components:
    """What has been taken so far, by "kind/name"."""

    def __init__(self) -> None:
        self._all: Tree = {}

    def take(self, service: str, definitions: Tree) -> dict[str, str]:
        """Add a service's definitions; return the new names of those whose own is taken by another."""
        same = {key for key, definition in definitions.items() if self._all.get(key) == definition}
        # What refers to something that differs is not the same, although it reads so.
        while differing := {key for key in same if not referred(definitions[key]) <= same}:
            same -= differing
        names: dict[str, str] = {}
        for key in definitions:
            if key not in same and key in self._all:
                names[key] = self._free(service, key, definitions)
        for key, definition in definitions.items():
            if key not in same:
                self._all[names.get(key, key)] = renamed(definition, names)
        return names

    def tree(self) -> Tree:
        """Return them as the document has them."""
        kinds: Tree = {}
        for key in sorted(self._all):
            kind, _, name = key.partition("/")
            kinds.setdefault(kind, {})[name] = self._all[key]
        return kinds

    def _free(self, service: str, key: str, definitions: Tree) -> str:
        kind, _, name = key.partition("/")
        free = f"{kind}/{service.capitalize()}{name}"
        while free in self._all or free in definitions:
            free += "_"
        return free


def reached(roots: object, components: Tree) -> Tree:
    """Return those components that some trees refer to, and those that these refer to."""
    found: Tree = {}
    waiting = referred(roots)
    while waiting:
        key = waiting.pop()
        found[key] = components[key]
        waiting |= referred(found[key]) - found.keys()
    return {key: found[key] for key in sorted(found)}
