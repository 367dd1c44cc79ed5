"""A live sandbox process for the tests of the adapter and of the whole service."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests
import stripe
from samples import API_KEY

from chassis.testing.waiting import until


class LiveSandbox:
    """One sandbox over one ledger."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._output = folder / "output"
        self._environ = {
            "SANDBOX_BIND": f"127.0.0.1:{port}",
            "SANDBOX_LEDGER_FILE": str(folder / "ledger.sqlite"),
            "SANDBOX_API_KEY": API_KEY,
            "SANDBOX_WEBHOOK_SECRET": "whsec_unused",
            "SANDBOX_SETTLE_DELAY_SECONDS": "1.5",
            "SANDBOX_SLOW_SECONDS": "0.5",
            "SANDBOX_SILENT_SECONDS": "0.2",
        }

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", "python:sandbox.serving", "sandbox.wsgi:app"]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=os.environ | self._environ, stdout=output, stderr=output, start_new_session=True
            )
        until(self._answers, timeout_seconds=20, failing=self._output.read_text)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def intents_of(self, payment_id: object) -> list[stripe.PaymentIntent]:
        """The ledger's word on a payment: every intent that was made for it."""
        return self._intents("payment_id", payment_id)

    def charged_for(self, order_id: object) -> list[int]:
        """Every amount that was taken for an order."""
        return [each.amount for each in self._intents("order_id", order_id) if each.status == "succeeded"]

    def refunds_of(self, intent: stripe.PaymentIntent) -> list[int]:
        return [each.amount for each in self.client().v1.refunds.list({"payment_intent": intent.id})]

    def _intents(self, name: str, id: object) -> list[stripe.PaymentIntent]:
        listed = self.client().v1.payment_intents.list({"limit": 100}).auto_paging_iter()
        return [each for each in listed if each.metadata.to_dict().get(name) == str(id)]

    def client(self) -> stripe.StripeClient:
        return stripe.StripeClient(API_KEY, base_addresses={"api": self.url}, max_network_retries=2)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False
