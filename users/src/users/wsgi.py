"""Entry point of the web processes: `gunicorn -c gunicorn.conf.py users.wsgi:app`."""

from chassis.settings import load_or_exit
from users.app import create_app
from users.settings import PREFIX, Settings

app = create_app(load_or_exit(Settings, PREFIX))
