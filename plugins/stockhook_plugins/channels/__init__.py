"""Bundled channels: each a package that knows one store, and alone knows it."""
