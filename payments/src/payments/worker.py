"""Entry point of the worker: `python -m payments.worker`."""

from chassis.settings import load_or_exit
from payments.app import create_worker
from payments.settings import PREFIX, Settings

if __name__ == "__main__":
    create_worker(load_or_exit(Settings, PREFIX)).run()
