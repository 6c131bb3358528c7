"""Plugins: what was found, what each offers, and why one that failed did."""

from stockhook.operations.desk import Desk
from stockhook.rows.plugins import PluginRow, plugin_row
from stockhook.web.api.paging import Listed
from stockhook.web.api.route import Routes
from stockhook.web.site import Site

routes = Routes()


@routes.get("/plugins")
def list_plugins(desk: Desk, site: Site) -> Listed[PluginRow]:
    """List the plugins, all of them, those that are disabled or could not be loaded as well."""
    del desk
    return Listed(rows=[plugin_row(record) for record in site.settings.plugins.records], more=False, next=None)
