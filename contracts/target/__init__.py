"""The implementation under test: how it is reached, what it needs, what may be spent on it."""
