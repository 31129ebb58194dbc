"""ESPnet tasks and the trainer, with our classes registered."""
