"""A whole service of boxes as a team would start it: `service:web()` under gunicorn, or this file as its worker."""

import boxes

from chassis import health, migrations
from chassis.assertions import Verifier
from chassis.outbox import Relay
from chassis.postgres import Database
from chassis.settings import ServiceSettings, load_or_exit
from chassis.trust import TrustBundle
from chassis.web import create_flask
from chassis.worker import Worker


def web():
    settings = load_or_exit(ServiceSettings, "BOXES_")
    Verifier(TrustBundle.load(settings.trust_bundle_file), "boxes")
    database = Database(settings)
    app = create_flask("boxes", settings)
    health.of(app).register("database", database.ping, setting="BOXES_DB_URL")
    return app


if __name__ == "__main__":
    told = load_or_exit(ServiceSettings, "BOXES_")
    database = Database(told)
    checks = {"database": database.ping, "schema": lambda: migrations.require(database, boxes.MIGRATIONS)}
    Worker("boxes", told, checks=checks).add(Relay("boxes", database)).run()
