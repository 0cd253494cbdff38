"""Steps from one shape of the journal's tables to the next."""
