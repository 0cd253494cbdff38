"""leverd: a self-hosted, autonomous agent for leveraged DeFi positions."""
