"""Pages made from templates: compiled once, in the process above all others; everything in them is escaped."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

FOLDER = Path(__file__).with_name("papers")
_quoted = re.compile(r"`([^`]+)`")


def prose(text: str) -> Markup:
    """Return paragraphs: they are parted by empty lines, and what is in backticks is code."""
    return Markup("").join(
        Markup("<p>{}</p>\n").format(Markup(_quoted.sub(r"<code>\1</code>", str(escape(each)))))  # noqa: S704 - escaped
        for each in text.split("\n\n")
        if each.strip()
    )


def breaking(path: str) -> Markup:
    """Return a path that may be broken after each slash."""
    return Markup(str(escape(path)).replace("/", "/<wbr>"))  # noqa: S704 - escaped


class Papers:
    """The templates of a folder, compiled."""

    def __init__(self, folder: Path = FOLDER) -> None:
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"prose": prose, "breaking": breaking}
        self._templates = {
            name: environment.get_template(name)
            for name in environment.list_templates(extensions=("html",))
            if not name.startswith("_")
        }

    def render(self, name: str, **values: Any) -> bytes:
        """Return a page of one of the templates."""
        return self._templates[name].render(values).encode()
