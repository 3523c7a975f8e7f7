"""Schemathesis, which holds every single answer to its schema."""
