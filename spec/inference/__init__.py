"""What the operations of an unannotated document mean, read from the document alone."""
