"""The connection to the mail server; apart, because the library behind it is loaded with the first mail."""

import asyncio
import ssl

from aiosmtplib import SMTP

from stockhook_plugins.notifiers.email.options import EmailOptions


class Client(SMTP):
    """A connection that ends at once: after QUIT, and after an error, there is nothing left to say."""

    def close(self) -> None:
        """End the connection without the farewell of TLS, which a server may never answer."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        super().close()


def client(options: EmailOptions) -> Client:
    """Return a client that, once connected, is encrypted and logged in as the options say."""
    plain = options.security == "none"
    return Client(
        hostname=options.host,
        port=options.port_used,
        username=options.username,
        password=options.password.reveal() if options.password else None,
        use_tls=options.security == "tls",
        start_tls=options.security == "starttls",
        tls_context=None if plain else ssl.create_default_context(cafile=options.ca_file),
        timeout=options.timeout,
    )
