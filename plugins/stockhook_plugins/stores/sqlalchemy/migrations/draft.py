"""Drafts a revision: what the tables have become since the last one. For developers, who read it and finish it.

``python -m stockhook_plugins.stores.sqlalchemy.migrations.draft REVISION TITLE`` writes ``versions/REVISION.py``,
leaving out a revision of that name (so that one not yet released can be drafted anew). Triggers are written by hand.
"""

import re
import sys
import warnings
from pathlib import Path
from typing import Final

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Index, create_engine

from stockhook_plugins.stores.sqlalchemy.migrations import revisions, upgrade
from stockhook_plugins.stores.sqlalchemy.tables import TRIGGERS, metadata

_NUMBER: Final = "sa.BigInteger().with_variant(sa.Integer(), 'sqlite')"
_WORDS: Final = "sa.Text().with_variant(sa.Text(collation='C'), 'postgresql')"
_PARTIAL: Final = re.compile(r"sqlite_where=sa\.text\((.*?)\), postgresql_where=sa\.text\(.*?\)")
_HEAD: Final = '''"""{title}"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before!r}

NUMBER = {number}
WORDS = {words}


def only(condition: str) -> dict[str, Any]:
    return {{"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}}


def upgrade() -> None:
'''


def draft(revision: str, title: str) -> str:
    """Return the text of a revision that leads from the one before it to the tables as they are."""
    path = Path(__file__).parent / "versions" / f"{revision}.py"
    path.unlink(missing_ok=True)
    before = max(revisions(), default=None)
    with create_engine("sqlite://").begin() as connection, warnings.catch_warnings():
        if before is not None:
            upgrade(connection)
        warnings.simplefilter("ignore")  # expression indexes cannot be compared; they are added below
        operations = produce_migrations(MigrationContext.configure(connection), metadata).upgrade_ops
    assert operations is not None
    code = render_python_code(operations).replace(_NUMBER, "NUMBER").replace(_WORDS, "WORDS")
    code = code.replace(", autoincrement=False", "").replace(", unique=False", "")
    code = _PARTIAL.sub(r"**only(\1)", code)
    lines = [line for line in code.splitlines() if not line.strip().startswith("# ###")]
    if before is None:
        lines += [f"    op.create_index({_expression(index)})" for index in _expressions()]
        lines += [f"    triggers = {TRIGGERS!r}", "    for trigger in triggers[op.get_bind().dialect.name]:"]
        lines += ["        op.execute(trigger)"]
    text = (
        _HEAD.format(title=title, revision=revision, before=before, number=_NUMBER, words=_WORDS)
        + "\n".join(lines)
        + "\n"
    )
    path.write_text(text, encoding="utf-8")
    return str(path)


def _expressions() -> list[Index]:
    """Return the indexes over expressions, which are not drafted by themselves."""
    found = (index for table in metadata.sorted_tables for index in table.indexes)
    return [index for index in found if any(not isinstance(each, Column) for each in index.expressions)]


def _expression(index: Index) -> str:
    assert index.table is not None
    columns = ", ".join(
        repr(each.name) if isinstance(each, Column) else f"sa.text({_plain(each)!r})" for each in index.expressions
    )
    where = _plain(index.dialect_options["sqlite"]["where"])
    return f"{index.name!r}, {index.table.name!r}, [{columns}], **only({where!r})"


def _plain(expression: object) -> str:
    from sqlalchemy import ClauseElement
    from sqlalchemy.dialects import sqlite

    assert isinstance(expression, ClauseElement)
    compiled = expression.compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True, "include_table": False}
    )
    return str(compiled)


if __name__ == "__main__":
    sys.stdout.write(draft(sys.argv[1], sys.argv[2]) + "\n")
