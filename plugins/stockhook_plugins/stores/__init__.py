"""The stores in the box: SQLAlchemy on SQLite, and dicts in memory."""
