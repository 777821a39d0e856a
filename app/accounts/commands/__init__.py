"""`cordon init` and `cordon admin`: what must work before anybody can sign in, on the machine itself."""

from app.accounts.commands.directory import admin
from app.accounts.commands.setup import init

__all__ = ["admin", "init"]
