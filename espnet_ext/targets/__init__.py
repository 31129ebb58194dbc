"""What is predicted at a masked frame. A target never sees the mask."""
