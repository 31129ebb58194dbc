"""What every training shares: the trainer, gradients of a whole batch, guards, progress."""
