"""From a trained recogniser to words."""
