"""Entry point of the worker: `python -m orders.worker`."""

from chassis.settings import load_or_exit
from orders.app import create_worker
from orders.settings import PREFIX, Settings

if __name__ == "__main__":
    create_worker(load_or_exit(Settings, PREFIX)).run()
