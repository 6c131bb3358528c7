"""What one line still wants of one item: the step between targets and plans."""

from stockhook.allocation import Plan
from stockhook.model import Line
from stockhook.quantity import Quantity
from stockhook.record import record, replace
from stockhook.target import Target


@record(frozen=True, slots=True)
class Claim:
    """What one line still wants of one item, in item units; negative where too much is booked.

    ``open`` is what is owed of it as booked so far, and part of what is wanted. A claim of a kit group for which
    finished kits can be taken has what it would want ``otherwise``, without these; that of the kit's item has their
    ``plan`` as well, whose picks are out of the pool (``groups.py``).
    """

    target: Target
    sku: str
    want: Quantity
    open: Quantity
    plan: Plan | None = None
    otherwise: Quantity | None = None

    @property
    def line(self) -> Line:
        """The line that wants it."""
        return self.target.reading.line

    @property
    def in_components(self) -> "Claim":
        """The claim where no further finished kits are taken."""
        return self if self.otherwise is None else replace(self, want=self.otherwise, plan=None, otherwise=None)
