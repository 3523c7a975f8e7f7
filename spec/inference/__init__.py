"""What a document means where it does not say it, inferred from paths, names and types."""
