"""The rooms joined: one model for pre-training, one for recognition."""
