"""Predictions over recorded history: bars for models, and replays that hear what was said then."""
