"""The RNN-T loss and its joint network."""
