"""The hot statements, compiled once from the tables; the driver runs them with plain tuples.

Parameters are positional, in the order in which they are written here; lists of numbers or texts are one parameter, as
JSON. Statements that write rows take one row at a time in SQLite and, in PostgreSQL, whole columns of rows as arrays:
``write`` of the database knows.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    LargeBinary,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from stockhook.plugin import RECORDS, model
from stockhook_plugins.stores.sqlalchemy.rows import shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES, body, body_use, folded, spelling, version

_PLAIN: Final[Mapping[type, Any]] = {int: BigInteger(), str: Text(), bytes: LargeBinary()}
_units, _deliveries, _orders, _waits = (
    TABLES[record] for record in (model.Unit, model.Delivery, model.Order, model.Wait)
)
SEQUENCES: Final = {name: f"{name}_id_seq" for name in (*(table.name for table in TABLES.values()), body.name)}
"""What gives the ids of a table in PostgreSQL."""

LOCKS: Final = 8461_001
JOBS: Final = 8461_002
_ITEMS: Final = 8461_003
WRITERS: Final = 8461_004
"""The classes of our advisory locks: of all that write, of jobs by name, of items by number, of sessions that write."""

WRITE_ALONE: Final = f"SELECT pg_advisory_xact_lock({LOCKS}, 1)"
KEEP_BODIES: Final = f"SELECT pg_advisory_xact_lock_shared({LOCKS}, 2)"
REMOVE_BODIES: Final = f"SELECT pg_advisory_xact_lock({LOCKS}, 2)"
"""Whoever removes bodies must not do so while a delivery comes in that has one of them again."""
TAKE: Final = (
    "SELECT word::bigint FROM json_array_elements_text(%s::json) AS word "
    "WHERE pg_try_advisory_xact_lock(word::bigint) LIMIT %s"
)
"""Takes those of the numbers that nobody has, so many at most, without waiting, until the transaction ends."""
HOLD_ITEMS: Final = f"SELECT pg_advisory_xact_lock({_ITEMS}, number) FROM unnest(%s::int[]) AS number"  # noqa: S608 - a number of ours
"""Takes these numbers of items one after the other, waiting for who has them, until the transaction ends."""
TAKE_ITEMS: Final = (
    "SELECT number FROM unnest(%s::int[]) AS number "  # noqa: S608 - a number of ours
    f"WHERE pg_try_advisory_xact_lock({_ITEMS}, number)"
)
"""Takes those of the numbers of items that nobody has, without waiting."""
DATABASE_SIZE: Final = "SELECT pg_database_size(current_database())"
NEXT_IDS: Final = "SELECT nextval(%s::regclass) FROM generate_series(1, %s::int)"
LAST_IDS: Final = (
    "SELECT wanted.name, setval(wanted.name::regclass, nextval(wanted.name::regclass) + wanted.number - 1) "
    "FROM unnest(%s::text[], %s::int[]) AS wanted(name, number)"
)
"""Takes so many ids of each sequence and returns the last ones, where nobody else takes any: in ``WRITE_ALONE``."""


def constant(value: str) -> ColumnElement[Any]:
    """Return one of our own words as a literal, which partial indexes can be matched with."""
    return literal_column(f"'{value}'")


class Statements:
    """The statements of one dialect, each a text."""

    def __init__(self, dialect: Dialect, *, arrays: bool) -> None:
        """Take the dialect they are for, and whether rows are written as arrays."""
        self._dialect = dialect
        self._made: dict[tuple[str, Any], str] = {}
        self._arrays = arrays
        self._insert: Any = postgresql.insert if arrays else sqlite.insert
        self._read_orders()
        self._read_catalogue()
        self._units()
        self._read_journal()
        self._write_orders()
        self._bodies()

    # --- reading

    def _read_orders(self) -> None:
        orders = TABLES[model.Order]
        self.orders = self._of_orders(model.Order)
        self.order_versions = self._text(
            select(orders.c.order_id, orders.c.version).where(
                orders.c.account == bindparam(None), self.listed(orders.c.order_id)
            )
        )
        self.lines = self._of_orders(model.Line, "number")
        self.shortages = self._of_orders(model.Shortage, "id")
        self.waits = self._of_orders(model.Wait, "kind", "subject")
        self.takes = self._takes()

    def _of_orders(self, record: type[Any], *order_by: str) -> str:
        """Select what belongs to orders: parameters account, order ids."""
        table = TABLES[record]
        found = _whole(record, table.c.account == bindparam(None), self.listed(table.c.order_id))
        return self._text(found.order_by(*(table.c[name] for name in order_by)))

    def _takes(self) -> str:
        moves = TABLES[model.Movement]
        later = moves.alias("later")
        whole = moves.c.quantity.type

        def naming(kind: model.MovementKind) -> ColumnElement[Any]:
            """Return the sum of the movements of this kind that name the consumption, mostly of none: no join."""
            amount = func.coalesce(func.sum(later.c.quantity), literal_column("0"))
            mine = select(amount).where(later.c.reverses == moves.c.id, later.c.kind == constant(kind))
            return cast(mine.scalar_subquery(), whole)

        taken = literal_column("-movement.quantity", whole)
        left = cast(taken - naming(model.MovementKind.REVERSAL), whole)
        names = ("order_id", "id", "unit_id", "line", "sku")
        returned, counted = naming(model.MovementKind.RETURN), naming(model.MovementKind.COUNT)
        suspense = select(_units.c.suspense).where(_units.c.id == moves.c.unit_id).scalar_subquery()
        found = select(*(moves.c[name] for name in names), taken, left, returned, counted, suspense).where(
            moves.c.account == bindparam(None),
            self.listed(moves.c.order_id),
            moves.c.kind == constant(model.MovementKind.CONSUMPTION),
        )
        return self._text(found.order_by(moves.c.id))

    def _read_catalogue(self) -> None:
        self.catalogue_version = self._text(
            select(version.c.number).where(version.c.kind == constant("catalogue"), version.c.name == constant(""))
        )
        items = select(version.c.name, version.c.number).where(
            version.c.kind == constant("item"), self.listed(version.c.name)
        )
        self.item_versions = self._text(items)
        self.aliases = self._text(_whole(model.Alias, self.listed(TABLES[model.Alias].c.code)))
        self.locations = self._text(_whole(model.Location, self.listed(TABLES[model.Location].c.path)))
        self.folded = {
            record: self._text(
                _whole(record, TABLES[record].c.sku == names.c.sku, self.listed(names.c.code)).order_by(
                    TABLES[record].c.sku.desc()
                )
            )
            for record, names in folded.items()
        }

    def _units(self) -> None:
        zero: ColumnElement[Any] = literal_column("0")
        stocked = or_(_units.c.quantity != zero, _units.c.held != zero, _units.c.suspense != zero)
        self.units = self._text(_whole(model.Unit, self.listed(_units.c.sku), stocked).order_by(_units.c.id))
        self.counts = self._text(_whole(model.Count, self.listed(TABLES[model.Count].c.sku)))
        quantities = select(_units.c.id, _units.c.sku, _units.c.quantity, _units.c.suspense)
        self.unit_quantities = self._text(quantities.where(self.listed(_units.c.id)))
        row = self._row({"quantity": int, "id": int})
        self.unit_moves = self._text(update(_units).values(quantity=row["quantity"]).where(_units.c.id == row["id"]))
        rest = [column for column in shape(model.Unit).columns if column.name not in ("id", "quantity")]
        row = self._row({**{column.name: column.kind for column in rest}, "id": int})
        amended = update(_units).values({column.name: row[column.name] for column in rest})
        self.amend_unit = self._text(amended.where(_units.c.id == row["id"]))
        """Changes everything of a unit but its quantity: its other fields in order, its id."""

    def _read_journal(self) -> None:
        since = func.coalesce(_deliveries.c.due_at, _deliveries.c.received_at)
        self.due_orders = self._text(
            select(_orders.c.account, _orders.c.order_id)
            .where(_orders.c.due_at <= bindparam(None))
            .order_by(_orders.c.due_at, _orders.c.account, _orders.c.order_id)
            .limit(bindparam(None))
            .offset(bindparam(None))
        )
        pending = (
            _whole(
                model.Delivery,
                _deliveries.c.state == constant(model.DeliveryState.PENDING),
                or_(_deliveries.c.due_at.is_(None), _deliveries.c.due_at <= bindparam(None)),
            )
            .order_by(since, _deliveries.c.id)
            .limit(bindparam(None))
            .offset(bindparam(None))
        )
        self.due_deliveries = self._text(pending)
        self.claim_deliveries = self._text(pending.with_for_update(skip_locked=True))
        """As ``due_deliveries``, but keeps the rows from others until the commit, and leaves out what others keep."""
        self.hold_deliveries = self._text(
            select(_deliveries.c.id).where(self.listed(_deliveries.c.id)).order_by(_deliveries.c.id).with_for_update()
        )
        self.body = self._text(
            select(body.c.codec, body.c.data).where(
                body.c.digest == _deliveries.c.digest, _deliveries.c.id == bindparam(None)
            )
        )
        self.small_bodies = self._text(
            select(_deliveries.c.id, body.c.codec, body.c.data).where(
                body.c.digest == _deliveries.c.digest, self.listed(_deliveries.c.id)
            )
        )

    # --- writing

    def _write_orders(self) -> None:
        row = self._row({"due_at": int, "attempts": int, "account": str, "order_id": str})
        self.reschedule = self._text(
            update(_orders)
            .values(due_at=row["due_at"], attempts=row["attempts"])
            .where(_orders.c.account == row["account"], _orders.c.order_id == row["order_id"])
        )
        row = self._row({"account": str, "order_id": str})
        self.drop_waits = self._text(
            delete(_waits).where(_waits.c.account == row["account"], _waits.c.order_id == row["order_id"])
        )
        self.bump = self._text(
            self._insert_rows(version, {"kind": str, "name": str}, fixed={"number": "1"}).on_conflict_do_update(
                index_elements=["kind", "name"], set_={"number": version.c.number + literal_column("1")}
            )
        )

    def _bodies(self) -> None:
        seen = (
            select(body.c.id, func.max(_deliveries.c.received_at))
            .where(body.c.digest == _deliveries.c.digest, _deliveries.c.id.between(bindparam(None), bindparam(None)))
            .group_by(body.c.id)
            .order_by(body.c.id)
        )
        use = self._insert(body_use).from_select(["id", "received_at"], seen)
        later = (func.greatest if self._arrays else func.max)(body_use.c.received_at, use.excluded.received_at)
        self.body_seen = self._text(use.on_conflict_do_update(index_elements=["id"], set_={"received_at": later}))
        """Remembers when bodies were last seen: the first and the last id of the deliveries that have just come."""
        self.old_bodies = self._text(
            select(body_use.c.id, func.length(body.c.data))
            .join(body, body.c.id == body_use.c.id)
            .where(body_use.c.received_at < bindparam(None))
            .order_by(body_use.c.received_at)
            .limit(bindparam(None))
            .offset(bindparam(None))
        )
        pending = _deliveries.c.state == constant(model.DeliveryState.PENDING.value)
        self.pending_digests = self._text(select(_deliveries.c.digest).where(pending))
        self.body_of = self._text(select(body.c.id).where(body.c.digest == bindparam(None)))
        self.drop_bodies = tuple(self._text(delete(table).where(self.listed(table.c.id))) for table in (body, body_use))

    @property
    def bodies_once(self) -> str:
        """The statement that keeps bodies, each unless it is there: digest, codec, size, data."""
        kinds = {"digest": bytes, "codec": str, "size": int, "data": bytes}

        def make() -> Any:
            return self._insert_rows(body, kinds).on_conflict_do_nothing(index_elements=["digest"])

        return self._once("bodies", None, make)

    def put(self, record: type[Any]) -> str:
        """Return the statement that inserts or replaces rows: the record's fields in order."""
        key = RECORDS[record].key

        def make() -> Any:
            statement = self._insert_rows(TABLES[record], _kinds(record))
            rest = [name for name in shape(record).names if name not in key]
            if not rest:
                return statement.on_conflict_do_nothing(index_elements=list(key))
            excluded = {name: statement.excluded[name] for name in rest}
            return statement.on_conflict_do_update(index_elements=list(key), set_=excluded)

        return self._once("put", record, make)

    def add(self, record: type[Any]) -> str:
        """Return the statement that inserts rows that are not there."""
        return self._once("add", record, lambda: self._insert_rows(TABLES[record], _kinds(record), alone=True))

    def drop(self, record: type[Any]) -> str:
        """Return the statement that removes rows: the fields of the key."""
        table, form = TABLES[record], shape(record)

        def make() -> Any:
            row = self._row({name: form.by_name[name].kind for name in RECORDS[record].key})
            return delete(table).where(*(table.c[name] == value for name, value in row.items()))

        return self._once("drop", record, make)

    def fold_in(self, record: type[Any]) -> str:
        """Return the statement that remembers the folded form of skus: folded, sku."""
        kinds = {"code": str, "sku": str}
        return self._once("fold in", record, lambda: self._insert_rows(folded[record], kinds).on_conflict_do_nothing())

    def fold_out(self, record: type[Any]) -> str:
        """Return the statement that forgets the folded form of skus: folded, sku."""
        names = folded[record]

        def make() -> Any:
            row = self._row({"code": str, "sku": str})
            return delete(names).where(names.c.code == row["code"], names.c.sku == row["sku"])

        return self._once("fold out", record, make)

    @property
    def spell(self) -> str:
        """The statement that remembers how something is written: field, folded, as written."""
        kinds = {"field": str, "code": str, "written": str}
        return self._once("spell", None, lambda: self._insert_rows(spelling, kinds).on_conflict_do_nothing())

    def _once(self, name: str, what: Any, make: Callable[[], Any]) -> str:
        text = self._made.get((name, what))
        if text is None:
            text = self._made[name, what] = self._text(make())
        return text

    # --- how the dialects differ

    def _text(self, statement: Any) -> str:
        return str(statement.compile(dialect=self._dialect))

    def composed(self, form: Hashable, make: Callable[[], Any]) -> str:
        """Return the text of a statement that is composed as it is asked for; of those of one ``form`` once."""
        return self._once("composed", form, make)

    def listed(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return that a column is one of the values of a JSON list, which is a parameter."""
        parameter: ColumnElement[Any] = bindparam(None)
        if self._arrays:
            words = select(func.json_array_elements_text(cast(parameter, JSON)).column_valued("word")).subquery().c.word
            return column == any_(func.array(select(cast(words, column.type)).scalar_subquery()))
        return column.in_(select(func.json_each(parameter).table_valued("value").c.value))

    def _row(self, kinds: Mapping[str, type]) -> Mapping[str, ColumnElement[Any]]:
        """Return the values of a row to be written, which are parameters or come out of arrays that are."""
        if not self._arrays:
            return {name: bindparam(None) for name in kinds}
        columns = _unnested(kinds).c
        return {name: columns[name] for name in kinds}

    def _insert_rows(
        self,
        table: Table[Any],
        kinds: Mapping[str, type],
        *,
        fixed: Mapping[str, str] | None = None,
        alone: bool = False,
    ) -> Any:
        """Return the insertion of rows of these columns, in SQLite of one; ``fixed`` ones are the same in each.

        ``alone``: none of them is there.
        """
        same: dict[str, ColumnElement[Any]] = {name: literal_column(value) for name, value in (fixed or {}).items()}
        if not self._arrays:
            row = self._insert(table).values({**self._row(kinds), **same})
            # without it SQLite copies each page that it changes, to undo this one statement: we undo all there is
            return row.prefix_with("OR FAIL") if alone else row
        given = _unnested(kinds)
        return self._insert(table).from_select([*kinds, *same], select(*given.c, *same.values()))


@cache
def of_rows(statement: str, number: int) -> str:
    """Return the insertion of so many rows, made of that of one: SQLAlchemy takes milliseconds to write one of 32."""
    head, row = statement.split(" VALUES ", 1)
    end = row.index(")") + 1  # a row of parameters holds no other bracket
    return f"{head} VALUES {', '.join([row[:end]] * number)}{row[end:]}"


def _unnested(kinds: Mapping[str, type]) -> Any:
    arrays: list[Any] = [cast(bindparam(None), ARRAY(_PLAIN[kind])) for kind in kinds.values()]
    return func.unnest(*arrays).table_valued(*kinds).render_derived(name="given")


def _kinds(record: type[Any]) -> Mapping[str, type]:
    return {column.name: column.kind for column in shape(record).columns}


def _whole(record: type[Any], *where: ColumnElement[bool]) -> Select[Any]:
    return select(TABLES[record]).where(*where)


@cache
def for_sqlite() -> Statements:
    """Return the statements in SQLite's words."""
    return Statements(sqlite.dialect(paramstyle="qmark"), arrays=False)


@cache
def for_postgresql() -> Statements:
    """Return the statements in PostgreSQL's words."""
    return Statements(postgresql.dialect(paramstyle="format"), arrays=True)  # type: ignore[no-untyped-call]
