"""What changed between two documents of a sessions API, and whom it breaks."""
