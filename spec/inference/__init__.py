"""What a document means, as far as its own words and shapes tell."""
