"""A stand-in for any agent-session backend, made from one OpenAPI document."""

__version__ = "0.1.0"
