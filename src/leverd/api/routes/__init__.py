"""What the API answers to, by family."""
