"""Kaldi data directories, audio and frame streams. Knows no model."""
