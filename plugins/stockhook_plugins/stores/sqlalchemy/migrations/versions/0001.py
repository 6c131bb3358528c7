"""Make the first tables: journal, orders, catalogue, ledger, problems."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "alias",
        sa.Column("account", WORDS, nullable=False),
        sa.Column("code", WORDS, nullable=False),
        sa.Column("written", WORDS, nullable=False),
        sa.Column("sku", WORDS, nullable=True),
        sa.Column("factor", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account", "code"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("alias_code", "alias", ["code"])
    op.create_index("alias_sku", "alias", ["sku"])
    op.create_table(
        "allocation",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", WORDS, nullable=False),
        sa.Column("order_id", WORDS, nullable=False),
        sa.Column("line", NUMBER, nullable=False),
        sa.Column("sku", WORDS, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("event_id", NUMBER, nullable=True),
        sa.Column("need", NUMBER, nullable=False),
        sa.Column("taken", NUMBER, nullable=False),
        sa.Column("trace", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("allocation_order_id_account", "allocation", ["order_id", "account"])
    op.create_table(
        "answered",
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("body", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("actor", "key"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("answered_at", "answered", ["at"])
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("action", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("details", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("audit_action_subject", "audit", ["action", "subject"])
    op.create_table(
        "body",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("codec", WORDS, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_table(
        "body_use",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("body_use_received_at", "body_use", ["received_at"])
    op.create_table(
        "count",
        sa.Column("sku", WORDS, nullable=False),
        sa.Column("location", WORDS, nullable=False),
        sa.Column("unit_id", NUMBER, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("sku", "location", "unit_id"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("channel", WORDS, nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.Column("peer", WORDS, nullable=False),
        sa.Column("headers", WORDS, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("due_at", NUMBER, nullable=True),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("events", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("delivery_channel", "delivery", ["channel"])
    op.create_table(
        "event",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("delivery_id", NUMBER, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("channel", WORDS, nullable=False),
        sa.Column("account", WORDS, nullable=True),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("order_id", WORDS, nullable=True),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.Column("finished_at", NUMBER, nullable=True),
        sa.Column("text", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("event_channel", "event", ["channel"])
    op.create_index("event_delivery_id", "event", ["delivery_id"])
    op.create_index("event_order_id_account", "event", ["order_id", "account"], **only("order_id IS NOT NULL"))
    op.create_index("event_state", "event", ["state"])
    op.create_table(
        "folded_item",
        sa.Column("code", WORDS, nullable=False),
        sa.Column("sku", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("code", "sku"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "folded_kit",
        sa.Column("code", WORDS, nullable=False),
        sa.Column("sku", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("code", "sku"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "item",
        sa.Column("sku", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("serial", NUMBER, nullable=False),
        sa.Column("min_shelf_life_days", NUMBER, nullable=True),
        sa.Column("retired", NUMBER, nullable=False),
        sa.Column("reorder_at", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("sku"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kit",
        sa.Column("sku", WORDS, nullable=False),
        sa.Column("parts", WORDS, nullable=False),
        sa.Column("policy", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("sku"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "location",
        sa.Column("path", WORDS, nullable=False),
        sa.Column("pickable", NUMBER, nullable=False),
        sa.Column("pick_sequence", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("path"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "logout",
        sa.Column("session", WORDS, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("session"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("logout_at", "logout", ["at"])
    op.create_table(
        "movement",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("unit_id", NUMBER, nullable=False),
        sa.Column("sku", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("balance_after", NUMBER, nullable=False),
        sa.Column("account", WORDS, nullable=True),
        sa.Column("order_id", WORDS, nullable=True),
        sa.Column("line", NUMBER, nullable=True),
        sa.Column("event_id", NUMBER, nullable=True),
        sa.Column("allocation_id", NUMBER, nullable=True),
        sa.Column("reverses", NUMBER, nullable=True),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("reference", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("movement_order_id_account", "movement", ["order_id", "account"], **only("order_id IS NOT NULL"))
    op.create_index("movement_reverses", "movement", ["reverses"], **only("reverses IS NOT NULL"))
    op.create_index("movement_sku", "movement", ["sku", "id", "quantity"])
    op.create_index("movement_unit_id", "movement", ["unit_id", "id", "quantity", "at"])
    op.create_table(
        "notice",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("notifier", WORDS, nullable=False),
        sa.Column("about", WORDS, nullable=False),
        sa.Column("problem_id", NUMBER, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("text", WORDS, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.Column("made_at", NUMBER, nullable=False),
        sa.Column("due_at", NUMBER, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("sent_at", NUMBER, nullable=True),
        sa.Column("error", WORDS, nullable=True),
        sa.Column("account", WORDS, nullable=True),
        sa.Column("order_id", WORDS, nullable=True),
        sa.Column("event_id", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("notice_kind_subject", "notice", ["kind", "subject"])
    op.create_index("notice_problem_id", "notice", ["problem_id"])
    op.create_index("notice_waiting", "notice", ["due_at"], **only("state = 'waiting'"))
    op.create_table(
        "order_line",
        sa.Column("account", WORDS, nullable=False),
        sa.Column("order_id", WORDS, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("item_index", NUMBER, nullable=False),
        sa.Column("code", WORDS, nullable=False),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.Column("said", WORDS, nullable=False),
        sa.Column("return_reason", WORDS, nullable=True),
        sa.Column("quantity_refunded", NUMBER, nullable=False),
        sa.Column("center", WORDS, nullable=True),
        sa.Column("kit", NUMBER, nullable=False),
        sa.Column("component", NUMBER, nullable=False),
        sa.Column("parent_index", NUMBER, nullable=True),
        sa.Column("lots", WORDS, nullable=False),
        sa.Column("serials", WORDS, nullable=False),
        sa.Column("places", WORDS, nullable=False),
        sa.Column("ship_said", WORDS, nullable=True),
        sa.Column("shipped_at", NUMBER, nullable=True),
        sa.Column("ship_date", WORDS, nullable=True),
        sa.Column("refunds", WORDS, nullable=False),
        sa.Column("least_refunded", NUMBER, nullable=False),
        sa.Column("inferred", NUMBER, nullable=False),
        sa.Column("binding", WORDS, nullable=True),
        sa.Column("ruling", NUMBER, nullable=False),
        sa.Column("refused", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("account", "order_id", "number"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("order_line_code", "order_line", ["code"])
    op.create_table(
        "problem",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.Column("first_seen", NUMBER, nullable=False),
        sa.Column("last_seen", NUMBER, nullable=False),
        sa.Column("text", WORDS, nullable=False),
        sa.Column("channel", WORDS, nullable=True),
        sa.Column("account", WORDS, nullable=True),
        sa.Column("order_id", WORDS, nullable=True),
        sa.Column("event_id", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("problem_kind_open", "problem", ["kind"], **only("state = 'open'"))
    op.create_index("problem_kind_subject", "problem", ["kind", "subject"])
    op.create_index("problem_open", "problem", ["id"], **only("state = 'open'"))
    op.create_table(
        "shop_order",
        sa.Column("account", WORDS, nullable=False),
        sa.Column("order_id", WORDS, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("channel", WORDS, nullable=False),
        sa.Column("said", WORDS, nullable=False),
        sa.Column("stage", WORDS, nullable=True),
        sa.Column("test", NUMBER, nullable=False),
        sa.Column("refunded_at", NUMBER, nullable=True),
        sa.Column("shipping_date", NUMBER, nullable=True),
        sa.Column("ship_date", WORDS, nullable=True),
        sa.Column("first_ship_at", NUMBER, nullable=True),
        sa.Column("rejected", NUMBER, nullable=False),
        sa.Column("linked", NUMBER, nullable=False),
        sa.Column("due_at", NUMBER, nullable=True),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("history", WORDS, nullable=False),
        sa.Column("rekeyed", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("account", "order_id"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("shop_order_due_at", "shop_order", ["due_at"], **only("due_at IS NOT NULL"))
    op.create_index("shop_order_order_id", "shop_order", ["order_id"])
    op.create_table(
        "shortage",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", WORDS, nullable=False),
        sa.Column("order_id", WORDS, nullable=False),
        sa.Column("line", NUMBER, nullable=False),
        sa.Column("sku", WORDS, nullable=False),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.Column("open", NUMBER, nullable=False),
        sa.Column("opened_at", NUMBER, nullable=False),
        sa.Column("settled", NUMBER, nullable=False),
        sa.Column("withdrawn", NUMBER, nullable=False),
        sa.Column("waived", NUMBER, nullable=False),
        sa.Column("counted", NUMBER, nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("actor", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("shortage_open", "shortage", ["sku"], **only("open > 0"))
    op.create_index("shortage_order_id_account", "shortage", ["order_id", "account"])
    op.create_index("shortage_sku", "shortage", ["sku"])
    op.create_table(
        "spelling",
        sa.Column("field", WORDS, nullable=False),
        sa.Column("code", WORDS, nullable=False),
        sa.Column("written", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("field", "code", "written"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unit",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("sku", WORDS, nullable=False),
        sa.Column("location", WORDS, nullable=False),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.Column("received", NUMBER, nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.Column("lot", WORDS, nullable=True),
        sa.Column("serial", WORDS, nullable=True),
        sa.Column("held", NUMBER, nullable=False),
        sa.Column("expires_on", WORDS, nullable=True),
        sa.Column("unit_cost", NUMBER, nullable=True),
        sa.Column("priority", NUMBER, nullable=True),
        sa.Column("reference", WORDS, nullable=True),
        sa.Column("suspense", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("unit_location", "unit", ["location"])
    op.create_index("unit_lot", "unit", ["lot"], **only("lot IS NOT NULL"))
    op.create_index("unit_serial", "unit", ["serial"], **only("serial IS NOT NULL"))
    op.create_index("unit_sku", "unit", ["sku"])
    op.create_index("unit_suspense", "unit", ["id"], **only("suspense = 1"))
    op.create_table(
        "version",
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wait",
        sa.Column("account", WORDS, nullable=False),
        sa.Column("order_id", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("account", "order_id", "kind", "subject"),
        sqlite_autoincrement=False,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("wait_kind_subject", "wait", ["kind", "subject"])
    op.create_index(
        "delivery_pending", "delivery", [sa.text("coalesce(due_at, received_at)"), "id"], **only("state = 'pending'")
    )
    triggers = {
        "sqlite": (
            "CREATE TRIGGER movement_UPDATE_refused BEFORE UPDATE ON movement BEGIN SELECT RAISE(ABORT, 'movements are never changed'); END",
            "CREATE TRIGGER movement_DELETE_refused BEFORE DELETE ON movement BEGIN SELECT RAISE(ABORT, 'movements are never changed'); END",
        ),
        "postgresql": (
            "CREATE FUNCTION movement_refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'movements are never changed' USING ERRCODE = 'integrity_constraint_violation'; END $$",
            "CREATE TRIGGER movement_refused BEFORE UPDATE OR DELETE ON movement FOR EACH ROW EXECUTE FUNCTION movement_refused()",
            "CREATE TRIGGER movement_kept BEFORE TRUNCATE ON movement FOR EACH STATEMENT EXECUTE FUNCTION movement_refused()",
        ),
    }
    for trigger in triggers[op.get_bind().dialect.name]:
        op.execute(trigger)
