"""From what was seen to the findings of a report."""
