"""Command lines: they parse, and call functions that live elsewhere."""
