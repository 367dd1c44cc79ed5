"""Entry point: the app gunicorn loads, once for all processes; a route file that cannot be used ends it here."""

import logging
import sys

from flask import Flask

from chassis.settings import EXIT_CONFIG, load_or_exit
from gateway.app import create_app
from gateway.issuers import IssuersError
from gateway.reloading import tell
from gateway.route_file import RoutesError
from gateway.settings import PREFIX, Settings


def _create_or_exit() -> Flask:
    settings = load_or_exit(Settings, PREFIX)
    try:
        return create_app(settings)
    except RoutesError as wrong:
        tell(wrong)
        sys.exit(EXIT_CONFIG)
    except IssuersError as wrong:
        for line in wrong.lines:
            logging.getLogger(__name__).error("issuers refused: %s", line)
        sys.exit(EXIT_CONFIG)


app = _create_or_exit()
