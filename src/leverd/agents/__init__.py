"""Strategies: frozen parameters with one pure method, `decide`."""
