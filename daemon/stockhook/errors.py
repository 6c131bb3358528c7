"""What can go wrong, as types: each message says what was found, what was expected and what to do next."""


class StockhookError(Exception):
    """Anything stockhook raises on purpose; its text is fit to be shown to a person."""


class ConfigError(StockhookError):
    """The configuration cannot be used; ``problems`` holds one line each, with the TOML path first."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Refused(StockhookError):
    """A person or program asked for something that the rules do not allow; nothing was changed."""


class NotFound(Refused):
    """What was asked for does not exist."""


class BadQuantity(StockhookError, ValueError):
    """Not an exact decimal of at most six places within bounds."""


class Rejected(StockhookError):
    """A request whose credentials are wrong or missing; answered with 401."""


class Unreadable(StockhookError):
    """A delivery that cannot be split into events; kept, quarantined and reported."""


class BadEvent(StockhookError):
    """An event that was understood but must not be booked: ``kind`` is the problem it opens.

    ``account`` and ``order_id`` say which order it is about, where that can be told.
    """

    def __init__(self, kind: str, text: str, account: str | None = None, order_id: str | None = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.account = account
        self.order_id = order_id


class BadPlan(StockhookError):
    """A strategy's plan breaks a rule, or took too long; names the strategy (promise 7)."""

    def __init__(self, strategy: str, text: str) -> None:
        super().__init__(f"strategy {strategy}: {text}")
        self.strategy = strategy


class BadBooking(StockhookError):
    """What was to be written breaks a rule of the book (a unit below zero); the plan is at fault, nothing was written.

    Not a fault of the store: what planned it is set aside, and everything else goes on.
    """


class StoreUnavailable(StockhookError):
    """The store cannot be reached, is full, or cannot promise that a commit lasts; worth another try."""


class StoreAway(StoreUnavailable):
    """The store is on another machine, or run by somebody else, and does not let us in now: it may by itself, later.

    A daemon that starts waits for it for a while; a store that a person must mend first is just unavailable.
    """


class StoreBroken(StoreUnavailable):
    """The store reported an I/O error or a damaged file: stop, so that a restart recovers what is on disk."""


class StoreTooNew(StockhookError):
    """The store was written by a newer stockhook; this one must not touch it."""


class NoSuchToken(Rejected):
    """The path of the request names no webhook of ours; answered with 404, like any unknown path."""
