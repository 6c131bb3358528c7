"""Finds, loads and checks plugins, one by one, so that a broken one is left out and named and the rest goes on.

A plugin is an object with hooks marked ``@hookimpl``: what an entry point of the group ``stockhook`` names, or a
``*.py`` file of the configured folder. What became of it is kept as a ``Record``.
"""

from stockhook.plugin_manager.loading import load as load
from stockhook.plugin_manager.offer import Kind as Kind
from stockhook.plugin_manager.record import Plugins as Plugins
from stockhook.plugin_manager.record import Record as Record
from stockhook.plugin_manager.record import Status as Status
