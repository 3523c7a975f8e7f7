"""Holds a deployment to what scripts expect: says their texts, and compares what comes back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sparring.fixtures.playing.player import Heard
from sparring.fixtures.playing.rehearsal import Talk, meetings
from sparring.fixtures.script import Script
from sparring.fixtures.script.expectations import Difference, Happened, differences, events_of
from sparring.fixtures.script.values import Expectation
from sparring.spec import pointers
from sparring.spec.errors import Defect, SparringError
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document
from sparring.spec.streams.events import Seen
from sparring.spec.turn import Kind, Turn

from ..checks import Check, Context, show
from ..driving.comparing import has
from ..world import Blocked, NotChecked
from .replay_turns import Ask, Told, talk_operation, tell

PROMISE = "script.expectation"
PATIENCE = 20.0  # seconds for a reply that comes later, unless the target's file says otherwise
_TRIES = 25  # so often a text is said again that the script answers with an HTTP error

Meeting = tuple[Expectation, Talk, int | list[Difference]]


@dataclass
class Replay:
    """The expectations of some scripts against one deployment; `held`, `differing` and
    `unchecked` (and why) are those of the last run, by their place in a file."""

    scripts: Sequence[Script]
    held: set[str] = field(default_factory=set)
    differing: set[str] = field(default_factory=set)
    unchecked: dict[str, str] = field(default_factory=dict)

    def check(self, document: Document) -> Check:
        """One check of all expectations. Raises SparringError (C101) when there is no way to talk,
        or nothing is expected."""
        operation = talk_operation(document)
        if operation is None:
            defect = document.source.defect("C101", "no operation is a message.create", ("paths",))
            raise SparringError(replace(defect, remedy="Say it as x-session, or in an overlay."))
        if not any(script.expect for script in self.scripts):
            names = ", ".join(script.source.name for script in self.scripts if script.source)
            remedy = "Say what under `expect`."
            raise SparringError(Defect("C101", f"nothing is expected in {names}", None, remedy))
        reason = has(Role.SESSION_CREATE)(document, operation)
        if not operation.promises.holds(PROMISE):
            reason = f"withdrawn: {operation.promises[PROMISE]['withdrawn']}"
        runs = [
            partial(self._converse, script, talk)
            for script in self.scripts
            for talk in _talks(script)
        ]
        return Check(PROMISE, operation, () if reason else tuple(runs), reason)

    @property
    def notes(self) -> list[str]:
        """What was not checked and why, and how many expectations held."""
        found = [f"{place} is not checked: {w}" for place, w in sorted(self.unchecked.items())]
        count = sum(len(script.expect) for script in self.scripts)
        return [*found, f"{len(self.held)} of {count} expectations hold"]

    def _converse(self, script: Script, parts: Sequence[Meeting], context: Context) -> None:
        """Plays one talk of a script in a session of its own, and judges its turns."""
        _, talk, _ = parts[0]
        session = _session(context, script)
        told: dict[int, Told] = {}
        known: list[Seen] = []
        wanted = [found for _, _, found in parts if isinstance(found, int)]
        stopped = ""
        for number in range(max(wanted, default=-1) + 1):
            heard, turn = talk.heard[number], talk.turns[number]
            listed = any(p[2] == number and p[0].suggestions is not None for p in parts)
            speaks = any(step.kind is Kind.MESSAGE for step in turn.steps)
            seconds = (context.world.given.wait or PATIENCE) if speaks else 1.0
            ask = Ask(session, heard.text, known, listed, seconds)
            try:
                told[number] = _answered(context, ask, heard, turn)
            except NotChecked as error:
                stopped = str(error)
                break
            for part in parts:
                if part[2] == number:
                    self._judge(script, context, part, told[number])
        for expected, _, found in parts:
            if not isinstance(found, int):
                self.unchecked[_place(script, expected)] = found[0].message
            elif found not in told:
                self.unchecked[_place(script, expected)] = stopped
        if stopped and not told:
            raise NotChecked(stopped)

    def _judge(self, script: Script, context: Context, part: Meeting, told: Told) -> None:
        expected, talk, number = part
        assert isinstance(number, int)
        names = {event.name for event in events_of(talk.turns[number]) if event.name}
        happened = [e for e in told.happened if e.kind != Kind.EVENT or e.name in names]
        wanted, unseen = _visible(expected, told)
        place = _place(script, expected)
        if unseen:
            self.unchecked[place] = f"{', '.join(unseen)}, as the API does not show it"
        if (wanted.events, wanted.final_text, wanted.suggestions) == (None, None, None):
            return
        found = differences(wanted, happened)
        self.held.discard(place)
        self.differing.discard(place)
        (self.differing if found else self.held).add(place)
        for difference in found:
            _fail(context, script, expected, difference)


def _talks(script: Script) -> Iterator[list[Meeting]]:
    """The expectations that are met in one session, for each session."""
    talks: dict[int, list[Meeting]] = {}
    for part in meetings(script):
        talks.setdefault(id(part[1]), []).append(part)
    yield from talks.values()


def _session(context: Context, script: Script) -> str:
    """A new session that the script is bound to, as far as the document lets one be made so."""
    bodies, operation = context.world.bodies, context.world.need(Role.SESSION_CREATE)
    body: dict[str, Any] = bodies.least(operation)
    headers = {}
    for path, values in script.bind.items():
        if path[0] == "headers":
            headers[path[-1]] = str(values[0])
            continue
        trial = copy.deepcopy(body)
        pointers.put(trial, path, values[0])
        if bodies.is_valid(operation, trial):
            body = trial
    person = context.alice.person
    context.alice.person = replace(person, headers={**person.headers, **headers})
    return context.alice.create(body).id


def _answered(context: Context, ask: Ask, heard: Heard, turn: Turn) -> Told:
    """The turn of the deployment in which it hears what the script heard.

    Where the script fails, so may the deployment: it is asked again, or its error is the event.
    """
    if heard.kind != "user":
        raise NotChecked(f"the script waits for a {heard.kind}, which a replay does not send")
    tries = _TRIES if turn.cursor.get("faults") else 1
    for left in reversed(range(tries)):
        try:
            return tell(context, ask)
        except Blocked as error:
            if error.exchange.response.status < 400:
                raise
            if any(event.kind == Kind.ERROR for event in events_of(turn)):
                return Told((Happened(Kind.ERROR),), frozenset({"error"}))
            if not left:
                raise
    raise AssertionError


def _visible(expected: Expectation, told: Told) -> tuple[Expectation, list[str]]:
    """What of an expectation can be seen in a turn, and what can't."""
    unseen: list[str] = []
    events, final_text, suggestions = expected.events, expected.final_text, expected.suggestions
    if events is not None:
        names = {pattern: pattern.rstrip("*+?") for pattern in events}
        seen = [p for p in events if names[p] in told.kinds or names[p] not in list(Kind)]
        unseen += dict.fromkeys(names[p] for p in events if p not in seen)
        events = seen or None
    if final_text is not None and not told.shows_text:
        final_text, unseen = None, [*unseen, "final_text"]
    if suggestions is not None and Kind.SUGGESTIONS not in told.kinds:
        suggestions = None
        unseen = [name for name in unseen if name != "suggestions"] + ["suggestions"]
    fields = {"events": events, "final_text": final_text, "suggestions": suggestions}
    return _with(expected, **fields), unseen


def _with(expected: Expectation, **fields: Any) -> Expectation:
    return Expectation(expected.id, expected.user, at=expected.at, **fields)


def _fail(context: Context, script: Script, expected: Expectation, difference: Difference) -> None:
    """Notes a difference, with the place in the script and what stands there."""
    assert script.source is not None
    key = str(difference.at[-1])
    node: Any = script.source.tree
    for token in difference.at:
        node = node[token]
    what = f"{key} {show(node)}" if difference.at != expected.at else "a turn"
    count = len(context.findings)
    context.fail(f'{what}, for "{expected.id}" of {script.name}', difference.message)
    if len(context.findings) > count:
        context.findings[-1] = replace(
            context.findings[-1],
            position=script.source.position(difference.at),
            pointer=pointers.join(difference.at),
            cause=f"{script.name} {pointers.join(difference.at)}",
        )


def _place(script: Script, expected: Expectation) -> str:
    assert script.source is not None
    return f"{script.source.position(expected.at)} {expected.id}"
