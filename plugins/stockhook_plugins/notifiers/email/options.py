"""What ``[notifiers.NAME] type = "email"`` takes (design.md section 6)."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stockhook.plugin import PluginOptions, Secret

_ADDRESS: Final = re.compile(r"""[^\s@<>()\[\],;:"\\]+@[^\s@<>()\[\],;:"\\]+""")
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


def _address(text: str) -> str:
    if not (text.isascii() and text.isprintable() and _ADDRESS.fullmatch(text)):
        raise ValueError(f"{text!r} is no mail address; write it like stock@example.com")
    return text


def _host(text: str) -> str:
    if not text or not text.isprintable() or re.search(r"[\s/@]", text):
        raise ValueError(f"{text!r} is no host name; write it like smtp.example.com, the port by itself as port = 587")
    return text


Address = Annotated[str, AfterValidator(_address)]


class EmailOptions(PluginOptions):
    """How to reach the mail server, and who writes to whom.

    ``port`` None: the usual one of ``security`` (587, 465, 25). ``ca_file``: certificates to trust in place of the
    system's, for a server with a private one. ``timeout``: seconds for one mail, all in all. ``folder``: mails are
    written there as files and sent to nobody, whatever ``host`` is, to try things out.
    """

    host: Annotated[str, AfterValidator(_host)] = ""
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Annotated[str, Field(min_length=1)] | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    folder: Path | None = None
    from_: Annotated[Address, Field(alias="from")]
    to: Annotated[tuple[Address, ...], Field(min_length=1)]
    timeout: Annotated[float, Field(gt=0, le=25)] = 20  # the dispatcher gives up on any notifier after 30

    @property
    def port_used(self) -> int:
        """The port as written, or the usual one of the kind of security."""
        return self.port or _PORTS[self.security]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if not self.host and self.folder is None:
            raise ValueError("host is missing: name the mail server, like smtp.example.com")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together; give both, or neither")
        if self.password and self.security == "none" and not _loopback(self.host):
            raise ValueError(
                'security = "none" would send the password in the clear; choose "starttls" or "tls", or leave out'
                " username and password"
            )
        if self.ca_file and self.security == "none":
            raise ValueError('ca_file has no meaning with security = "none"; leave one of them out')
        if self.ca_file and not self.ca_file.is_file():
            raise ValueError(f"ca_file {self.ca_file} is not there, or is no file")
        return self


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
