"""What one line still wants of one item: the step between targets and plans."""

from stockhook.model import Line
from stockhook.quantity import Quantity
from stockhook.record import record
from stockhook.target import Target


@record(frozen=True, slots=True)
class Claim:
    """What one line still wants of one item, in item units; negative where too much is booked.

    ``open`` is what is owed of it as booked so far, and part of what is wanted.
    """

    target: Target
    sku: str
    want: Quantity
    open: Quantity

    @property
    def line(self) -> Line:
        """The line that wants it."""
        return self.target.reading.line
