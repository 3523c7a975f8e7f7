"""The scenarios: importing this package registers them."""

from . import (
    create,
    deletion,
    inputs,
    keys,
    listing,
    methods,
    pages,
    races,
    resuming,
    stopping,
    streams,
    talk,
    updates,
)

__all__ = [
    "create",
    "deletion",
    "inputs",
    "keys",
    "listing",
    "methods",
    "pages",
    "races",
    "resuming",
    "stopping",
    "streams",
    "talk",
    "updates",
]
