"""Where the parts of an operation's meaning stand, once its role is known."""

from .blocks import infer_bindings
from .models import infer_model

__all__ = ["infer_bindings", "infer_model"]
