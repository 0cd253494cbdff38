"""Allora: what a network of forecasters expects, by its REST API."""
