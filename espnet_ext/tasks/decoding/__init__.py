"""From a data directory to emissions, and from them to words."""
