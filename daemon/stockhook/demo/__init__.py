"""``stockhook demo``: a small maker's shop, and a day of webhooks sent to a real daemon."""
