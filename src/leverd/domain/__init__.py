"""What the words mean: money, markets, positions, plans, events. Pure; standard library only."""
