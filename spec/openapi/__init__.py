"""Trees to operations: OpenAPI documents of every version, compiled."""
