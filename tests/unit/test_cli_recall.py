"""``stockhook recall`` as a person types it, at the desk of a shop in memory."""

from at_desk import at_desk

from stockhook.testing.shop import Shop


def test_what_may_still_be_taken_of_a_lot_is_told_in_a_line_of_its_own(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 20), lot="L1")
    done = at_desk(shop.desk, "recall", "L1")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "\\n" not in done.stdout
    told = "20 of it may still be taken; to stop that: stockhook stock hold --lot L1 --reason recall"
    assert done.stdout.endswith(f"\nno order got of it\n\n{told}\n")
