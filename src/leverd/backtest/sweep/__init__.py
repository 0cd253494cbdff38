"""Thousands of configurations over one past: searched fast, checked against exact arithmetic."""
