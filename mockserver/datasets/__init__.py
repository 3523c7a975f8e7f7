"""Content made by talking to the mock: conversations, and worlds full of them."""
