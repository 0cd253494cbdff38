"""A local chain with real Aave V3 and Uniswap V3 contracts, and a market that moves them."""
