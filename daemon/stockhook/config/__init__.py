"""The configuration file (design.md section 6): the daemon's own tables checked, the plugins' kept as written.

``stockhook.settings`` goes on from here: it lets the plugins' classes check their tables and makes the instances.
"""

from stockhook.config.document import load as load
from stockhook.config.document import read as read
from stockhook.config.tables import Config as Config
from stockhook.config.tables import PluginTable as PluginTable
