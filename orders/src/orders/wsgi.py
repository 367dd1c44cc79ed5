"""Entry point of the web processes: `gunicorn -c gunicorn.conf.py orders.wsgi:app`."""

from chassis.settings import load_or_exit
from orders.app import create_app
from orders.settings import PREFIX, Settings

app = create_app(load_or_exit(Settings, PREFIX))
