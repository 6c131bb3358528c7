"""What a person puts right of an order's booking: which units, how much, what came back, what a line means."""
