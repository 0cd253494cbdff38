"""Uniswap V3: what to read, how to decode it, how to encode a swap. No I/O."""
