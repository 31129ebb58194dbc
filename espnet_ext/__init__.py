"""Masked speech modelling for ESPnet: features, masks, encoders, targets, losses, recipes."""
