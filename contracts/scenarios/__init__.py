"""The scenarios: importing this package registers them."""

from . import (
    create,
    deletion,
    inputs,
    keys,
    listing,
    methods,
    oddities,
    pages,
    races,
    resuming,
    stopping,
    streams,
    tags,
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
    "oddities",
    "pages",
    "races",
    "resuming",
    "stopping",
    "streams",
    "tags",
    "talk",
    "updates",
]
