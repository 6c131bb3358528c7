"""Aliases: what the store's codes mean."""

from typing import Annotated

from msgspec import Meta

from stockhook.errors import NotFound
from stockhook.model import Alias, fold
from stockhook.operations import codes
from stockhook.operations.desk import Desk
from stockhook.quantity import ONE
from stockhook.rows.catalogue import AliasRow, MappedRow, alias_row, mapped_row
from stockhook.web.api.contents import Amount, Text, quantity
from stockhook.web.api.faults import bad
from stockhook.web.api.filters import Account, Sku, given, sku_of
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Content, Query, Routes

routes = Routes()

Code = Annotated[str, Meta(description="The store's code, in whatever case; a slash in it is written %2F.")]


class AliasFilter(Query, frozen=True, kw_only=True):
    """Which aliases."""

    code: Annotated[str | None, Meta(description="Only of this code, in whatever case.")] = None
    sku: Sku = None
    account: Account = None


class OneAlias(Query, frozen=True, kw_only=True):
    """Which of the aliases of a code."""

    account: Annotated[str | None, Meta(description="For this account; otherwise the one for every account.")] = None


@routes.get("/aliases")
def list_aliases(desk: Desk, query: AliasFilter, page: Page) -> Listed[AliasRow]:
    """List what codes mean, those of accounts before those that hold for every account."""
    with desk.store.read() as view:
        code = None if query.code is None else fold(query.code)
        where = given(code=code, sku=sku_of(view, query.sku), account=query.account)
        return listed(view, Alias, where, page, alias_row)


@routes.get("/aliases/{code}")
def show_alias(desk: Desk, code: Code, query: OneAlias) -> AliasRow:
    """Show what one code means."""
    with desk.store.read() as view:
        found = view.find(Alias, {"account": query.account or "", "code": fold(code)}, most=1)
    if not found:
        whose = f"for {query.account}" if query.account else "for every account"
        raise NotFound(f"the code {code!r} has no meaning {whose}; /aliases?code= lists all that it has")
    return alias_row(found[0])


class Meaning(Content, frozen=True, kw_only=True):
    """What a code means from now on; ``sku`` null: it moves no stock, and is ignored."""

    code: Text
    sku: Text | None
    factor: Annotated[Amount | None, Meta(description="How many of the item one code is; otherwise 1.")] = None
    channel: Annotated[Text | None, Meta(description="Only for orders of this channel; otherwise for all.")] = None
    rebook: Annotated[bool, Meta(description="Give back what was booked under another meaning, and book it anew.")] = (
        False
    )


@routes.post("/aliases")
def map_code(desk: Desk, body: Meaning) -> MappedRow:
    """Say what a code of the store means; the orders that wait for it are booked by themselves.

    Lines booked while the code meant something else stay as they are and are listed, unless `rebook`.
    """
    if body.sku is not None:
        factor = ONE if body.factor is None else quantity(body.factor, "factor")
        return mapped_row(codes.alias(desk, body.code, body.sku, factor, body.channel, rebook=body.rebook))
    if body.rebook or body.factor is not None:
        raise bad("sku", "factor and rebook go with a sku; a code that is ignored has neither")
    return mapped_row(codes.ignore(desk, body.code, body.channel))
