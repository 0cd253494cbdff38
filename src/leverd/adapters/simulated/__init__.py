"""A chain in memory: for engine tests, backtests and paper trading."""
