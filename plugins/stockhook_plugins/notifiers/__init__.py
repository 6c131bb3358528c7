"""The notifiers that come with stockhook: ways to reach a person."""
