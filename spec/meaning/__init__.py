"""What operations mean and promise: declared, said by an overlay, or inferred."""
