"""One handler a role: each is compiled for an operation and answers its requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..requests.requests import Request
from ..responses.answers import Answer, Stream

Handler = Callable[[Request], Awaitable[Answer | Stream]]
