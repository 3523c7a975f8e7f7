"""A backend that behaves as the document says, with scripts for agents."""
