"""Keeps a maker's finished-goods stock true to what an UltraCart store ships."""

__version__ = "0.1.0"
