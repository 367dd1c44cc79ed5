"""The import rules of the house, read from the code: which room may know which.

Usage: scripts/lint-imports [SERVICE...]
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from stack.places import Places

# wsgi, worker and commands -> app -> adapters (whatever has no name here) -> service -> domain
FLOORS = {"domain": 0, "service": 1, "app": 3, "wsgi": 4, "worker": 4}
ADAPTER, COMMAND = 2, 4

# The domain knows the standard library and the errors; use cases know no technology.
DOMAIN_MAY_USE = ("chassis.errors",)
SERVICE_MAY_NOT_USE = ("flask", "gevent", "marshmallow", "nats", "psycopg", "requests", "stripe", "werkzeug")

NOUNS = re.compile(
    r"(?i)^(orders?|payments?|products?|skus?|stocks?|prices?|catalogues?|carts?|refunds?|customers?)$"
)

# The other meaning of the word.
IDIOMS = re.compile("in_order|order_by")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of everything a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            yield from ((node.lineno, f"{dots}{node.module or ''}.{alias.name}") for alias in node.names)


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and each word of every name a module gives to something."""
    for node in ast.walk(tree):
        name = next(
            (getattr(node, field) for field in ("name", "id", "attr", "arg") if hasattr(node, field)), None
        )
        if isinstance(name, str):
            yield from (
                (getattr(node, "lineno", 0), word)
                for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", IDIOMS.sub("", name))
            )


def floor(package: Path, room: str) -> int:
    """Return how high in the house a room of a package lies; a file that can be run is a command."""
    file = package / f"{room}.py"
    if room not in FLOORS and file.exists() and "__main__" in file.read_text():
        return COMMAND
    return FLOORS.get(room, ADAPTER)


def broken_by(package: Path, room: str, name: str, siblings: set[str]) -> str | None:
    """Return which rule the import of `name` in a room of a package breaks, if any."""
    top, _, rest = name.partition(".")
    if name.startswith("."):
        return "imports are absolute"
    if top in siblings:
        return f"{package.name} knows nothing of {top}"
    if top == package.name and rest:
        there = rest.split(".")[0]
        if there != room and (package / there).with_suffix(".py").exists() | (package / there).is_dir():
            return f"{room} lies below {there}" if floor(package, room) < floor(package, there) else None
    if room == "domain" and top not in (package.name, *sys.stdlib_module_names):
        return (
            None
            if name.startswith(DOMAIN_MAY_USE)
            else "the domain knows the standard library and its errors"
        )
    if room in ("domain", "service") and top in SERVICE_MAY_NOT_USE:
        return f"a use case knows no {top}"
    return None


def check_package(package: Path, siblings: set[str]) -> Iterator[str]:
    """Yield what is wrong with the imports of a service's package and of the tests beside it."""
    for file in sorted(package.rglob("*.py")):
        room = file.relative_to(package).parts[0].removesuffix(".py")
        for line, name in imported(ast.parse(file.read_text())):
            if rule := broken_by(package, room, name, siblings):
                yield f"{file}:{line}: {name}: {rule}"
    own = {found.name for found in package.parent.iterdir()}
    for file in sorted((package.parents[1] / "tests").rglob("*.py")):
        for line, name in imported(ast.parse(file.read_text())):
            if name.split(".")[0] in siblings - own:
                yield f"{file}:{line}: {name}: {package.name} knows nothing of it"


def check_chassis(package: Path, services: set[str]) -> Iterator[str]:
    """Yield where the chassis knows a service or a noun of its business."""
    for file in sorted(package.rglob("*.py")):
        tree = ast.parse(file.read_text())
        yield from (
            f"{file}:{line}: {name}: the chassis knows no service"
            for line, name in imported(tree)
            if name.split(".")[0] in services
        )
        yield from (
            f"{file}:{line}: {word}: the chassis has no business noun"
            for line, word in names(tree)
            if NOUNS.match(word)
        )


def check(root: Path, wanted: set[str]) -> list[str]:
    """Return what is wrong in the wanted projects, or in all of them where none is named."""
    packages = [found.parent for found in root.glob("*/src/*/__init__.py")]
    known = {package.name for package in packages}
    wrong = [
        line
        for package in packages
        if not wanted or package.parents[1].name in wanted
        for line in check_package(package, known - {package.name})
    ]
    if not wanted or "libs/chassis" in wanted:
        wrong += check_chassis(root / "libs/chassis/src/chassis", known)
    return wrong


def main() -> None:
    """Print what is wrong; the exit code says whether anything is."""
    wrong = check(Places.of().root, set(sys.argv[1:]))
    print("\n".join(wrong) or "imports point one way")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
