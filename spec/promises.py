"""What an API promises: the registry, and what a document says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .annotations import check
from .binding import Role
from .errors import Defect, nearest
from .finding import Severity
from .json_text import Key
from .source import Source

Path = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: what holds, for which roles; `parameters` name what a document may say.

    A role implies its promises, all but the `stated` ones: those hold where the document says so.
    """

    id: str
    sentence: str
    roles: frozenset[Role]
    parameters: tuple[str, ...] = ()
    severity: Severity = Severity.MAJOR
    stated: bool = False


def _promise(
    id: str,
    sentence: str,
    *roles: Role,
    parameters: tuple[str, ...] = (),
    severity: Severity = Severity.MAJOR,
    stated: bool = False,
) -> Promise:
    return Promise(id, sentence, frozenset(roles or Role), parameters, severity, stated)


_CREATE, _LIST, _UPDATE = Role.SESSION_CREATE, Role.SESSION_LIST, Role.SESSION_UPDATE
_DELETE, _TALK, _HISTORY = Role.SESSION_DELETE, Role.MESSAGE_CREATE, Role.MESSAGE_LIST
_STREAM = (
    Role.MESSAGE_CREATE,
    Role.RUN_CREATE,
    Role.MESSAGE_SUBSCRIBE,
    Role.RUN_SUBSCRIBE,
)
_LISTS = (_LIST, _HISTORY, Role.SUGGESTION_LIST)
_LOSS, _SMALL = Severity.CRITICAL, Severity.MINOR

REGISTRY: Mapping[str, Promise] = {
    promise.id: promise
    for promise in (
        # sessions
        _promise("create.read_back", "What create returned can be read back.", _CREATE),
        _promise(
            "create.unique", "Every created session has an id of its own.", _CREATE, severity=_LOSS
        ),
        _promise("create.client_id", "An id that the client chose is honoured.", _CREATE),
        _promise("create.conflict", "An id that is taken is refused.", _CREATE, severity=_LOSS),
        _promise("create.location", "`Location` names the created session.", _CREATE),
        _promise("session.missing", "A session that does not exist is a 404."),
        _promise(
            "session.active",
            "The active session is a session of the caller, the same until that changes.",
            Role.SESSION_GET,
            parameters=("is",),
        ),
        _promise("list.contains", "A created session is in the list, as it is.", _LIST),
        _promise(
            "list.order",
            "The list is in the stated order.",
            _LIST,
            Role.SUGGESTION_LIST,
            parameters=("by", "dir"),
        ),
        _promise(
            "list.pages",
            "Pages cut the list without a gap or an overlap, and never hold more than asked for.",
            *_LISTS,
            Role.RUN_LIST,
            parameters=("stable",),
        ),
        _promise("list.total", "The total counts all pages.", *_LISTS),
        _promise("list.filter", "A filter keeps exactly what agrees with it.", _LIST, _HISTORY),
        _promise("put.replaces", "PUT resets what the body leaves out.", _UPDATE),
        _promise("patch.merges", "PATCH leaves the rest as it was.", _UPDATE, severity=_LOSS),
        _promise("patch.null", "A null in a merge patch removes.", _UPDATE),
        _promise("update.read_back", "What update stored can be read back.", _UPDATE),
        _promise("update.only", "An update changes no other session.", _UPDATE, severity=_LOSS),
        _promise("time.created", "The creation time never changes.", _UPDATE),
        _promise("time.updated", "The update time rises with a change, and only then.", _UPDATE),
        _promise("etag.changes", "The tag changes with the session, and only then.", _UPDATE),
        _promise("etag.guards", "A stale If-Match is refused.", _UPDATE, _DELETE, severity=_LOSS),
        _promise(
            "etag.strong",
            "If-Match compares strongly: a weak tag matches nothing (RFC 9110).",
            _UPDATE,
            _DELETE,
            severity=_SMALL,
        ),
        _promise("delete.gone", "What was deleted is gone everywhere."),
        _promise("delete.idempotent", "A second delete is a 404 or a success.", _DELETE),
        _promise("delete.only", "A delete leaves all other sessions.", _DELETE, severity=_LOSS),
        # talk
        _promise(
            "talk.recorded",
            "A turn is in the history: what was sent, then the reply.",
            _TALK,
            severity=_LOSS,
        ),
        _promise("text.verbatim", "Text comes back unchanged.", _TALK, severity=_LOSS),
        _promise(
            "history.order",
            "The history is in the order in which it was said.",
            _HISTORY,
            parameters=("by", "dir"),
        ),
        _promise(
            "talk.isolation",
            "What is said in one session stays there.",
            _TALK,
            Role.MESSAGE_SUBSCRIBE,
            severity=_LOSS,
        ),
        _promise("talk.count", "The session counts its messages.", _TALK),
        _promise("tool.recorded", "A tool's result is recorded as it was sent.", _TALK),
        _promise("talk.serial", "The turns of a session do not interleave.", _TALK, stated=True),
        _promise("talk.outlives", "A turn goes on when its caller hangs up.", _TALK, stated=True),
        _promise("talk.turn", "All of one turn carries its id, and nothing else does.", _TALK),
        _promise("talk.ids", "Every message has an id of its own, the same everywhere.", _TALK),
        _promise(
            "talk.greeting",
            "The agent greets only when it may, and where `always` is stated it does.",
            _CREATE,
            parameters=("always",),
        ),
        _promise(
            "history.clear", "A cleared history is empty, the session stays.", Role.MESSAGE_CLEAR
        ),
        _promise("event.offsets", "Offsets count the stored events without a gap.", _HISTORY),
        _promise("event.agrees", "The event list tells what the history tells.", _HISTORY),
        _promise(
            "suggestion.session", "Suggestions belong to their session.", Role.SUGGESTION_LIST
        ),
        # streams
        _promise("stream.media_type", "A stream is a text/event-stream.", *_STREAM),
        _promise("stream.schema", "Every event of a stream fits its schema.", *_STREAM),
        _promise("stream.ids", "Event ids are unique and rise.", *_STREAM),
        _promise("stream.terminal", "A turn ends with one terminal event.", *_STREAM),
        _promise("stream.adds_up", "The streamed pieces add up to the stored message.", *_STREAM),
        _promise("stream.stored", "The stored events of a stream are those of the list.", *_STREAM),
        _promise("stream.incremental", "Pieces arrive as they are said.", *_STREAM),
        _promise("stream.resume", "Resuming after an id gives exactly the rest.", *_STREAM),
        _promise(
            "stream.fresh",
            "A subscription that names no last id begins now.",
            Role.MESSAGE_SUBSCRIBE,
            stated=True,
        ),
        _promise(
            "stream.deleted",
            "A subscription ends when its session is deleted.",
            Role.MESSAGE_SUBSCRIBE,
            stated=True,
        ),
        _promise(
            "stream.wait", "A stream ends after the silence asked for.", Role.MESSAGE_SUBSCRIBE
        ),
        _promise("stop.partial", "A stopped turn keeps and marks what was said.", Role.SESSION_ACT),
        _promise("stop.idle", "Where no turn runs, nothing is stopped.", Role.SESSION_ACT),
        # keys and owners
        _promise(
            "auth.required",
            "A request without a key, or with a wrong one, is refused.",
            severity=_LOSS,
        ),
        _promise("auth.schemes", "The key is taken in the declared ways, and in no other."),
        _promise("auth.owner", "Nobody reads or changes another user's session.", severity=_LOSS),
        # what is taken and what is refused
        _promise("input.accepted", "A request that fits its schema is taken."),
        _promise("input.refused", "A body that breaks its schema is refused."),
        _promise("input.parameters", "A parameter outside its bounds is refused."),
        _promise("input.media_type", "A media type that is not declared is refused."),
        _promise("input.malformed", "Text that is not JSON is refused with a 4xx."),
        _promise("input.extremes", "Extreme but legal JSON never makes the server fail."),
        _promise("input.accept", "An `Accept` that nothing satisfies is refused.", severity=_SMALL),
        _promise("method.allow", "An undeclared method is a 405 with `Allow`.", severity=_SMALL),
        # what is answered
        _promise("error.status", "The status in an error body is that of the response."),
        _promise(
            "error.explained",
            "A body that breaks its schema is told where.",
            parameters=("status", "at"),
            stated=True,
            severity=_SMALL,
        ),
        _promise("response.answered", "Every request is answered, in time and whole."),
        _promise("response.status", "Every status is declared."),
        _promise("response.media_type", "Every media type is declared.", severity=_SMALL),
        _promise("response.schema", "Every response fits what the document declares for it."),
        _promise("response.headers", "Required headers are there, and headers fit their schema."),
        # many at once
        _promise(
            "race.create", "Of many creates with one id one succeeds.", _CREATE, severity=_LOSS
        ),
        _promise(
            "race.update",
            "Of many updates with one If-Match one succeeds, and none is lost.",
            _UPDATE,
            severity=_LOSS,
        ),
        _promise("race.delete", "Deletes at one instant do no harm.", _DELETE),
        _promise("race.talk", "Turns at one instant are all recorded.", _TALK, severity=_LOSS),
    )
}


class Promises(Mapping[str, Mapping[str, Any]]):
    """What one place of a document says: promise id to parameters; `withdrawn` takes one back."""

    def __init__(self, said: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._said = dict(said or {})

    @classmethod
    def read(cls, block: Any, source: Source, path: Path) -> tuple[Promises, list[Defect]]:
        """Reads an `x-session-promises` block, or says what is wrong with it."""
        defects = check("x-session-promises", block, source, path)
        said: dict[str, Mapping[str, Any]] = {}
        for id, parameters in block.items() if not defects else ():
            promise = REGISTRY.get(id)
            at = (*path, id)
            if promise is None:
                remedy = nearest(id, REGISTRY)
                defects.append(source.defect("D140", f'there is no promise "{id}"', at, remedy))
                continue
            known = (*promise.parameters, "withdrawn")
            for name in parameters or ():
                if name not in known:
                    message = f'{id} takes {", ".join(known)}, not "{name}"'
                    defects.append(source.defect("D140", message, (*at, name)))
            said[id] = parameters or {}
        return cls(said), defects

    def holds(self, promise: str) -> bool:
        """Whether the promise stands: said or implied, and not withdrawn."""
        if promise not in self._said:
            return promise not in REGISTRY or not REGISTRY[promise].stated
        return "withdrawn" not in self._said[promise]

    def __or__(self, nearer: Promises) -> Promises:
        return Promises(self._said | nearer._said)

    def __getitem__(self, id: str) -> Mapping[str, Any]:
        return self._said[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)
