"""Event streams: how they are framed, declared, written and read."""
