"""One handler a role: each is compiled for an operation and answers its requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..answers import Answer, Stream
from ..requests import Request

Handler = Callable[[Request], Awaitable[Answer | Stream]]
