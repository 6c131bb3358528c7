"""What the table of an UltraCart channel may say."""

import re
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from stockhook.plugin import PluginOptions, Secret

SHORTEST_TOKEN: Final = 16
_IN_A_PATH: Final = re.compile(r"[A-Za-z0-9._~-]+")


def _listed(value: Any) -> Any:
    """Take one secret for a list of one, so that there is one shape to check."""
    return value if isinstance(value, list | tuple) else [value]


def _token(secret: Secret) -> Secret:
    written = secret.reveal()
    if len(written) < SHORTEST_TOKEN:
        raise ValueError(
            f"a token has at least {SHORTEST_TOKEN} characters, this one has {len(written)}; make one with"
            """ python3 -c "import secrets; print(secrets.token_urlsafe(32))\""""
        )
    if not _IN_A_PATH.fullmatch(written):
        raise ValueError("a token is part of a URL: use only letters, digits and . _ ~ -")
    return secret


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone of this machine; write it like America/New_York") from None
    return name


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
OneOrTwo = Field(min_length=1, max_length=2)


class PinOptions(PluginOptions):
    """Labels of the item options of a line by which it names the lot, serial number or location to take from."""

    lot: Text | None = None
    serial: Text | None = None
    location: Text | None = None

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        labels = [label.casefold() for label in (self.lot, self.serial, self.location) if label]
        if len(set(labels)) < len(labels):
            raise ValueError("lot, serial and location need different labels, or nobody could tell what a value is")
        return self


class UltraCartOptions(PluginOptions):
    """Who may send, and for whom.

    ``merchant_id``: whose orders these are, as the payloads say it. ``token``: the secret part of the target URL.
    ``username`` and ``password``: HTTP Basic as well, when both are set. A token or password may be a list of two while
    it is being replaced. ``time_zone``: of dates that come without an offset. ``pins``: what a line may ask for.
    """

    merchant_id: Text
    token: Annotated[tuple[Annotated[Secret, AfterValidator(_token)], ...], BeforeValidator(_listed), OneOrTwo]
    username: Text | None = None
    password: Annotated[tuple[Secret, ...], BeforeValidator(_listed), OneOrTwo] | None = Field(
        default=None, validate_default=True
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(default="America/New_York", validate_default=True)
    pins: PinOptions = PinOptions()

    @field_validator("username")
    @classmethod
    def _can_be_sent(cls, username: str | None) -> str | None:
        if username is not None and ":" in username:
            raise ValueError('HTTP Basic has no way to send a user name with ":" in it')
        return username

    @field_validator("password")
    @classmethod
    def _both_or_neither(cls, password: tuple[Secret, ...] | None, info: ValidationInfo) -> tuple[Secret, ...] | None:
        # on the field and not on the model, so that it is told together with what else is wrong
        if "username" in info.data and (info.data["username"] is None) != (password is None):
            there, missing = ("username", "password") if password is None else ("password", "username")
            raise ValueError(f"{there} is set but {missing} is not; HTTP Basic needs both")
        return password
