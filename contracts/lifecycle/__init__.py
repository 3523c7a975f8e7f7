"""The lifecycle suite: random walks through a sessions API, step by step beside a small model.

What a step asks for comes from the model: an id that is there, one that was deleted, another
user's, a stale tag, a part of a value that a filter knows. `model` is pure, `walk` holds answers to
it, `sessions`, `lists` and `talk` are the steps, `machine` lets Hypothesis choose and shrink them.
"""

WALKED = frozenset(
    {
        "create.read_back",
        "create.unique",
        "create.client_id",
        "create.conflict",
        "session.missing",
        "session.active",
        "list.contains",
        "list.order",
        "list.pages",
        "list.total",
        "list.filter",
        "put.replaces",
        "patch.merges",
        "patch.null",
        "update.read_back",
        "update.only",
        "time.created",
        "time.updated",
        "etag.changes",
        "etag.guards",
        "etag.strong",
        "delete.gone",
        "delete.idempotent",
        "delete.only",
        "talk.recorded",
        "text.verbatim",
        "talk.isolation",
        "talk.count",
        "talk.turn",
        "talk.ids",
        "history.order",
        "history.clear",
        "suggestion.session",
        "stop.idle",
        "auth.owner",
        "input.accepted",
        "input.refused",
    }
)
"""The promises that a walk holds a target to, beside those about every answer."""
