"""Aliases: what the store's codes mean."""

from typing import Annotated

from msgspec import Meta

from stockhook.errors import NotFound
from stockhook.model import Alias, fold
from stockhook.operations.desk import Desk
from stockhook.rows.catalogue import AliasRow, alias_row
from stockhook.web.api.filters import Account, Sku, given, sku_of
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Query, Routes

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
