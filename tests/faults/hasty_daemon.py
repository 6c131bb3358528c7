"""``stockhook`` as it must not be: commits return before they are on the disk (``synchronous=NORMAL``)."""

from stockhook import cli
from stockhook_plugins.stores.sqlalchemy import sqlite

NORMAL = 1

sqlite._SETTINGS["synchronous"] = NORMAL
cli.main(prog_name="stockhook")
