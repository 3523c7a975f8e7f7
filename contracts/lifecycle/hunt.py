"""Takes the steps of walks, keeps what breaks, and cuts it down to the shortest walk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparring.spec.errors import SparringError
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Finding
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation

from ..checks import NotChecked
from ..target.budget import Refused, Stopped
from ..target.target import NoAnswer
from ..world import Blocked
from . import lists, sessions, talk, updates
from .walk import Broken, Ended, Facts, Walk

if TYPE_CHECKING:
    from ..runner import Runner

SECONDS = 30.0
"""The longest that the walks of a run last; a target that is fast needs a third."""
SHRINKING = 20.0
"""The longest that one finding is cut down; a target that is fast needs a tenth."""

TALK = (Role.MESSAGE_CREATE, Role.MESSAGE_LIST)
STEPS: Mapping[str, tuple[Callable[..., None], tuple[Role, ...]]] = {
    "create": (sessions.create, ()),
    "look": (sessions.look, (Role.SESSION_GET,)),
    "update": (updates.update, (Role.SESSION_GET, Role.SESSION_UPDATE)),
    "delete": (sessions.delete, (Role.SESSION_DELETE,)),
    "list": (lists.listing, (Role.SESSION_LIST,)),
    "speak": (talk.speak, TALK),
    "recall": (talk.recall, TALK),
    "clear": (talk.clear, (Role.MESSAGE_CLEAR,)),
    "suggest": (talk.suggest, (*TALK, Role.SUGGESTION_LIST)),
    "stop": (talk.stop_idle, (Role.SESSION_ACT,)),
}
"""What takes a step, and the roles that the document needs for it."""
Step = tuple[str, tuple[int, ...]]
"""The name of a step and its numbers, which pick from what the model knows; first the user."""
Key = tuple[str, str]


class Over(BaseException):
    """The time is up. Not an Exception: that is what Hypothesis takes for a failure of a walk."""


@dataclass(frozen=True)
class Failure:
    """The steps of a walk that break a promise, and what was sent and answered."""

    error: Broken
    steps: tuple[Step, ...]
    exchanges: tuple[Exchange, ...]

    @property
    def key(self) -> Key:
        """What tells it from others: the promise, and the operation that breaks it."""
        return self.error.promise, self.error.operation.label


@dataclass
class Hunt:
    """What the walks of a run share and come to; `end` is when they have to be over."""

    runner: Runner
    facts: Facts
    end: float
    found: Failure | None = None
    deviations: dict[Key, Finding] = field(default_factory=dict)
    times: dict[Key, int] = field(default_factory=dict)
    steps: int = 0
    error: str = ""

    def begin(self) -> Attempt:
        """A new walk. Raises Over."""
        if time.monotonic() > self.end or self.runner.meter.over():
            raise Over
        world = self.runner.world()
        walk = Walk(self.facts, world, self.runner.users(world), word=world.bodies.fresh())
        return Attempt(self, walk)

    def replay(self, steps: Sequence[Step]) -> Failure | None:
        """Takes the same steps again. Raises Over."""
        attempt = self.begin()
        try:
            for name, numbers in steps:
                attempt.take(name, *numbers)
        except Broken:
            return attempt.failure
        finally:
            attempt.finish()
        return None

    def shrink(self, failure: Failure) -> tuple[Failure, int, int]:
        """The shortest walk with the same failure; how often it was seen, and in how many tries.

        Steps go first, then numbers fall: few walks are enough, and each costs the target some.
        """
        self.end = time.monotonic() + SHRINKING
        seen = tried = 1
        try:
            while seen < 2 and tried <= max(self.runner.retries, 1):
                tried += 1
                again = self.replay(failure.steps)
                if again is not None and again.key == failure.key:
                    failure, seen = again, 2
            if seen > 1:
                failure = self._fewer(failure)
                failure = self._smaller(failure)
        except Over:
            pass
        return failure, seen, tried

    def _better(self, failure: Failure, steps: tuple[Step, ...]) -> Failure:
        found = self.replay(steps)
        return found if found is not None and found.key == failure.key else failure

    def _fewer(self, failure: Failure) -> Failure:
        size = max(len(failure.steps) // 2, 1)
        while size:
            before = failure
            for start in range(len(failure.steps) - 1 - size, -1, -size):
                rest = failure.steps[:start] + failure.steps[start + size :]
                failure = self._better(failure, rest)
                if self.late():
                    return failure
            if size > 1 or failure is before:
                size //= 2
        return failure

    def _smaller(self, failure: Failure) -> Failure:
        for index in range(len(failure.steps)):
            for place in range(5):
                if index >= len(failure.steps) or place >= len(failure.steps[index][1]):
                    break
                name, numbers = failure.steps[index]
                if numbers[place] == 0:
                    continue
                lower = (name, (*numbers[:place], 0, *numbers[place + 1 :]))
                steps = (*failure.steps[:index], lower, *failure.steps[index + 1 :])
                failure = self._better(failure, steps)
                if self.late():
                    return failure
        return failure

    def late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.end


@dataclass
class Attempt:
    """One walk under way. A broken promise is raised, all else that may happen ends it quietly."""

    hunt: Hunt
    walk: Walk
    taken: list[Step] = field(default_factory=list)
    ended: bool = False
    failure: Failure | None = None

    def take(self, name: str, owner: int, *numbers: int) -> None:
        """Takes one step that the document has the roles for. Raises Broken or Over."""
        step, roles = STEPS.get(name, (None, ()))
        if self.ended or step is None or not all(map(self.hunt.facts.one, roles)):
            return
        self.taken.append((name, (owner, *numbers)))
        self.hunt.steps += 1
        try:
            self._take(step, owner if self.hunt.facts.two_users else 0, *numbers)
        except Broken as error:
            self.ended = True
            shown = tuple(self.walk.world.exchanges())
            self.failure = Failure(error, tuple(self.taken), shown)
            self.hunt.found = self.hunt.found or self.failure
            raise
        except (Ended, Blocked, NotChecked):
            self.ended = True

    def _take(self, step: Callable[..., None], *numbers: int) -> None:
        try:
            step(self.walk, *numbers)
        except (Broken, Ended, Blocked, NotChecked):
            raise
        except NoAnswer as error:
            expected = "an answer, in time and whole"
            self.walk.hold("response.answered", self._asked(error), False, expected, error.reason)
        except (Stopped, Refused):
            raise Over from None
        except SparringError as error:
            self.hunt.runner.meter.stop(error.defects[0].message)
            raise Over from None
        except Exception as error:  # the target's answers are of any shape
            self.hunt.error = self.hunt.error or f"{step.__name__}: {type(error).__name__}: {error}"
            raise Ended from error

    def _asked(self, error: NoAnswer) -> Operation | None:
        method = error.request.method
        operations = (o for o in self.hunt.facts.document.operations if o.binding)
        return next((o for o in operations if o.method == method), None)

    def finish(self) -> None:
        """Holds all answers of the walk to the document, and clears away what it made."""
        for finding in self.hunt.runner.judge.deviations(self.walk.world):
            self.hunt.deviations.setdefault(finding.key, finding)
            self.hunt.times[finding.key] = self.hunt.times.get(finding.key, 0) + 1
        self.hunt.runner.clear(self.walk.world)
