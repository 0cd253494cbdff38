"""The same agents, planner, gate and `apply` over recorded history."""
