"""The loop: observe, fold, decide, plan, review, execute, record."""
