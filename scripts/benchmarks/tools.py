"""The programs that a run needs besides Souk, which Debian packages and this tree does not bring."""

import os
import shutil

# Debian keeps servers where only root's PATH looks.
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def program(tool: str, searched: str = SEARCHED) -> str:
    """Return the path of a tool, "" where it is not installed."""
    return shutil.which(tool, path=searched) or ""


def lacking(*tools: str, searched: str = SEARCHED) -> str:
    """Return what is missing of these tools in a sentence, "" if nothing is."""
    absent = [tool for tool in tools if not program(tool, searched)]
    return f"not installed: {' '.join(absent)} (apt install {' '.join(absent)})" if absent else ""
