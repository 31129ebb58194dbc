"""From words to error rates. Knows no model."""
