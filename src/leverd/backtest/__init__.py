"""The past: what was recorded of it, and what the agent would have done in it."""
