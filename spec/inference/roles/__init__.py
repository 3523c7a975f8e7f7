"""The role of each operation, from paths, verbs and words."""

from .guesses import Guess, infer_roles

__all__ = ["Guess", "infer_roles"]
