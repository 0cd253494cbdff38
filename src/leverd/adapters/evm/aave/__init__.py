"""Aave V3: what to read, how to decode it, how to encode an action. No I/O."""
