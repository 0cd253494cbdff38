"""Fetching the past from exchanges and chains, a page at a time, into files of history."""
