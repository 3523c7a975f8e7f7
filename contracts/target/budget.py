"""What a run may spend: requests, time, messages, patience; and when it has to stop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sparring.spec.exchange import Response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_PAUSE = 60.0  # seconds that a Retry-After may ask for
RESENT = 3  # times that a request is sent again because the target asked for a pause
SICK = 40  # 5xx or broken connections in a row after which a target is left alone
CLEANING = 30.0  # seconds for the clean-up of a run that was stopped


class Stopped(Exception):
    """The run is over before its end; the message says why."""


class Refused(Exception):
    """The profile of the run does not allow a request."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run spends: requests, seconds, requests a second, messages to agents."""

    requests: int | None = None
    seconds: float | None = 1800.0
    rate: float | None = None
    messages: int | None = None
    sick: int = SICK


class Meter:
    """Counts what a run spends, for all of its threads. `stopped` says why nothing more is sent."""

    def __init__(self, budget: Budget | None = None, *, read_only: bool = False) -> None:
        self.budget = budget or Budget()
        self.read_only = read_only
        self.stopped = ""
        self.sent = 0
        self.messages = 0
        self.crowded = False
        """Whether the target has said that it is asked too much at once (429)."""
        self._end = time.monotonic() + (self.budget.seconds or math.inf)
        self._next = 0.0
        self._sick = 0
        self._lock = threading.Lock()
        self._mine = threading.local()

    def stop(self, reason: str) -> None:
        """Ends the run; the first reason is the one that is told."""
        with self._lock:
            self.stopped = self.stopped or reason

    def left(self) -> float:
        """How many seconds are left."""
        until = getattr(self._mine, "until", None)
        return float((until or self._end) - time.monotonic())

    def over(self) -> bool:
        """Whether nothing more may be sent."""
        if self.left() <= 0:
            self.stop(f"the budget of {self.budget.seconds:g} seconds is spent")
        return bool(self.stopped)

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """What this thread sends now is not counted: it clears away what the run has made."""
        before = getattr(self._mine, "until", None)
        end = time.monotonic() + CLEANING
        self._mine.until = before or (end if self.stopped else max(self._end, end))
        try:
            yield
        finally:
            self._mine.until = before

    def admit(self, method: str) -> None:
        """Waits until a request may be sent. Raises Stopped or Refused."""
        cleaning = getattr(self._mine, "until", None) is not None
        if self.read_only and method not in SAFE_METHODS:
            raise Refused(f"the profile read-only sends no {method}")
        with self._lock:
            if not cleaning:
                self._hold()
            self.sent += 1
            now = time.monotonic()
            begin = max(now, self._next)
            if self.budget.rate:
                self._next = begin + 1 / self.budget.rate
        self.pause(begin - now)

    def _hold(self) -> None:
        budget = self.budget
        if not self.stopped and budget.requests is not None and self.sent >= budget.requests:
            self.stopped = f"the budget of {budget.requests} requests is spent"
        if not self.stopped and self._end <= time.monotonic():
            self.stopped = f"the budget of {budget.seconds:g} seconds is spent"
        if self.stopped:
            raise Stopped(self.stopped)

    def message(self) -> None:
        """Counts a message to an agent. Raises Stopped."""
        with self._lock:
            most = self.budget.messages
            if most is not None and self.messages >= most and not self.stopped:
                self.stopped = f"the budget of {most} messages is spent"
            if self.stopped:
                raise Stopped(self.stopped)
            self.messages += 1

    def answered(self, status: int) -> None:
        """Takes note of an answer; too many errors of the server in a row stop the run."""
        self._health(status >= 500, f"{self.budget.sick} answers in a row were server errors")

    def unanswered(self) -> None:
        """Takes note that no answer came."""
        self._health(True, f"{self.budget.sick} requests in a row failed")

    def _health(self, sick: bool, reason: str) -> None:
        with self._lock:
            self._sick = self._sick + 1 if sick else 0
            if self._sick >= self.budget.sick:
                self.stopped = self.stopped or f"the target is not well: {reason}"

    def asked(self, response: Response) -> bool:
        """Whether the target asked to be called again later; no thread sends before then.

        A longer pause than LONGEST_PAUSE seconds is not waited for: it stops the run.
        """
        self.crowded = self.crowded or response.status == 429
        seconds = retry_after(response)
        if seconds is None:
            return False
        if seconds > min(LONGEST_PAUSE, max(self.left(), 0)):
            self.stop(f"the target asks for a pause of {seconds:.0f} s (Retry-After)")
            return False
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
        return True

    def pause(self, seconds: float) -> None:
        """Waits, but not longer than the run may last, and not after it was stopped."""
        end = time.monotonic() + min(seconds, max(self.left(), 0))
        while (rest := end - time.monotonic()) > 0:
            if self.stopped and getattr(self._mine, "until", None) is None:
                raise Stopped(self.stopped)
            time.sleep(min(rest, 0.2))


def retry_after(response: Response) -> float | None:
    """The seconds of the Retry-After of a 429 or 503 (RFC 9110 10.2.3), None without one."""
    text = response.headers.get("retry-after", "").strip()
    if response.status not in (429, 503) or not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((date - datetime.now(UTC)).total_seconds(), 0.0)
