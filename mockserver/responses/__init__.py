"""From what a handler returns to the bytes of a response, and what goes wrong on the way."""
