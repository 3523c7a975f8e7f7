"""Text to trees: JSON and YAML under limits, with the position of every node."""
