"""Injective: spot markets on an order book that a chain keeps."""
