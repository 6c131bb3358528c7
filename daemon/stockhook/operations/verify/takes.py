"""Checks of what orders took: no more was reversed, came back, or was made up for by a count, than had left."""

from stockhook.model import OrderState
from stockhook.operations.verify.inspection import name
from stockhook.quantity import text


def takes(state: OrderState) -> str | None:
    """Judge the takes of an order."""
    for take in state.takes:
        given_up = take.quantity - take.remaining
        if min(given_up, take.returned, take.counted) < 0 or max(take.returned, take.counted) > take.remaining:
            return (
                f"{name(state.order)}: of {text(take.quantity)} {take.sku} taken by movement {take.movement_id}, "
                f"{text(given_up)} were reversed, {text(take.returned)} came back, {text(take.counted)} were counted"
            )
    return None
