"""Every probe: one for each fault, and some for more than one."""

from . import probes_events, probes_lists, probes_requests, probes_sessions, probes_talk
from .probing import PROBES

__all__ = ["PROBES", "probes_events", "probes_lists", "probes_requests", "probes_sessions"]
__all__ += ["probes_talk"]
