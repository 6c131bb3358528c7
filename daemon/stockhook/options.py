"""The base of every table of options, the daemon's own and the plugins'."""

from pydantic import BaseModel, ConfigDict


class PluginOptions(BaseModel):
    """Options of one plugin class: unknown keys are refused with their TOML path, values never change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
