"""Predictions of our own: features, models, scores. Advisory only."""
