"""Holds a deployment to what scripts expect."""
