"""Reports and pictures of what was run."""
