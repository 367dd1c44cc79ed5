"""Entry point of the web processes: `gunicorn -c gunicorn.conf.py payments.wsgi:app`."""

from chassis.settings import load_or_exit
from payments.app import create_app
from payments.settings import PREFIX, Settings

app = create_app(load_or_exit(Settings, PREFIX))
