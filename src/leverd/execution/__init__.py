"""Make approved plans happen once, across crashes, outages and reorganisations."""
