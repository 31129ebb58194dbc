"""Which frames are hidden: one file per masker, one contract (`spans.py`)."""
