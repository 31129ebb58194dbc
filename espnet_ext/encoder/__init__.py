"""Context networks over latent frames, and the views that a method takes of them."""
