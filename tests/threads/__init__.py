"""Murmur: an API of threads and runs with its own document, a server for it, and faults to switch on."""
