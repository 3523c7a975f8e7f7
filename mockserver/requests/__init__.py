"""From the bytes of a request to what a handler asks for."""
