"""Huddle: an API of huddles and utterances, a server for it, and faults to switch on."""
