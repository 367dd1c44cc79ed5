"""Entry point of gunicorn: one process, not preloaded, for the threads of the sandbox start here."""

from flask import Flask

from chassis import logs
from chassis.health import Readiness
from chassis.settings import load_or_exit
from sandbox.app import create_app
from sandbox.background import Background
from sandbox.confirmations import Settling
from sandbox.ledger import Ledger
from sandbox.refunds import Failing
from sandbox.settings import Settings
from sandbox.webhooks import Courier


def start(settings: Settings) -> Flask:
    """Open the ledger, take up the work that was left in it, and return the app."""
    logs.configure("sandbox", settings.log_level)
    ledger = Ledger(settings.ledger_file)
    threads = [
        Background("settling", ledger, Settling(ledger).step),
        Background("failing", ledger, Failing(ledger).step),
    ]
    if settings.webhook_url:
        threads.append(Background("courier", ledger, Courier(ledger, settings).step))
    readiness = Readiness()
    readiness.register("ledger", ledger.check)
    for thread in threads:
        readiness.register(thread.name, thread.check)
        thread.start()
    return create_app(settings, ledger, readiness)


app = start(load_or_exit(Settings, "SANDBOX_"))
