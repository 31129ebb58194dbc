"""Pre-trained models in our layout and in Hugging Face's."""
