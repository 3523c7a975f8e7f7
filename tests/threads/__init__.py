"""Murmur: an API of threads and runs, a server for it, and faults to switch on."""
