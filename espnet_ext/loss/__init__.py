"""Objectives: each returns `(loss, stats, weight)`, the weight in masked frames."""
