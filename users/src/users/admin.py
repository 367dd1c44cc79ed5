"""Command: see to it that an administrator is there: `python -m users.admin EMAIL`, again and again if you like."""

import argparse
import sys
from datetime import timedelta

from marshmallow import ValidationError

from chassis import logs
from chassis.postgres import Database
from chassis.settings import load_or_exit
from users.app import create_passwords
from users.postgres import Transaction
from users.schemas import Registration
from users.service import Accounts
from users.settings import PREFIX, SERVICE, AdminSettings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m users.admin", description=__doc__)
    parser.add_argument("email")
    email = parser.parse_args().email
    settings = load_or_exit(AdminSettings, PREFIX)
    logs.configure(SERVICE, settings.log_level)
    password = settings.admin_password.reveal() or sys.stdin.readline().rstrip("\n")
    try:
        Registration().load({"email": email, "password": password, "name": "Administrator"})
    except ValidationError as wrong:
        parser.error(", ".join(f"{field}: {' '.join(said)}" for field, said in wrong.messages_dict.items()))
    database = Database(settings, Transaction)
    try:
        token_lifetime = timedelta(seconds=settings.access_token_lifetime_seconds)
        admin = Accounts(database, create_passwords(settings), token_lifetime).ensure_admin(email, password)
    finally:
        database.close()
    sys.stdout.write(f"{admin.email} is the administrator, {admin.id}\n")


if __name__ == "__main__":
    main()
