"""LM weight and word score, found on a development set."""
