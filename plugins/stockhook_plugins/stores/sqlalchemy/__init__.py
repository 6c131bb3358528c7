"""The store on a SQL database: SQLite, one file. SQLAlchemy is imported when a store is opened, not before."""

from stockhook.plugin import Store, hookimpl
from stockhook_plugins.stores.sqlalchemy.store import SqlStore as SqlStore


@hookimpl
def stockhook_register_stores() -> list[type[Store]]:
    """Offer the store on a SQL database."""
    return [SqlStore]
