"""All that two tests must not share: what is stored, the time, running turns."""
