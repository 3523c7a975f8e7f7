"""Speaks a sessions API through bindings alone, and compares what comes back."""
