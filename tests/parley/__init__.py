"""Parley: an API of threads and messages, a server for it, and faults to switch on."""
