"""The base of every table of options, the daemon's own and the plugins'."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stockhook.secret import Secret

_MASK: Final = "****"
_PASSWORD: Final = re.compile(r"(://[^/@:]*:)[^/@]*@")
"""The password in a URL, such as that of a database."""


class PluginOptions(BaseModel):
    """Options of one plugin class: unknown keys are refused with their TOML path, values never change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def masked(options: PluginOptions) -> Mapping[str, Any]:
    """Return all options as plain values to be shown to a person, every secret and password replaced."""
    return {field.alias or name: _plain(getattr(options, name)) for name, field in type(options).model_fields.items()}


def _plain(value: Any) -> Any:
    shown = value
    match value:
        case None | bool() | int() | float():
            pass
        case Secret():
            shown = _MASK
        case str():
            shown = _PASSWORD.sub(rf"\g<1>{_MASK}@", value)
        case PluginOptions():
            shown = masked(value)
        case Mapping():
            shown = {str(_plain(key)): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            shown = [_plain(each) for each in value]
        case _:  # an option may be a strategy that was made from a table
            shown = getattr(value, "type", None) or str(value)
    return shown
