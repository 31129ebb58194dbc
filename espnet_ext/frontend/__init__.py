"""Waveform or log-Mel features in, latent frames out."""
