"""A target file to begin with: what a document asks for, commented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sparring.spec.errors import Defect, SparringError
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.security import usable_security

from ..choice import choose
from ..driving.bodies import Bodies

TALKING = (Role.SESSION_CREATE, Role.MESSAGE_CREATE, Role.RUN_CREATE)


def write_target(document: Document, file: Path) -> None:
    """Writes the file. Raises SparringError (C101) where there is one already."""
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(starter(document))
    except FileExistsError:
        remedy = "Name another file; nothing is overwritten."
        raise SparringError(Defect("C101", f"{file} is there already", None, remedy)) from None
    except OSError as error:
        raise SparringError(Defect("C101", f"{file} can't be written: {error.strerror}")) from None


def starter(document: Document) -> str:
    """The text of the file: the users as they must be, all else commented."""
    bound = [o for o in document.operations if o.binding]
    secured = any(usable_security(operation) for operation in bound)
    lines = [
        f"# What {_line(document.title)} needs before it can be tested.",
        "# $NAME takes a value from the environment. docs/target.md explains every key.",
        "users:",
        "  - key: $SPARRING_KEY",
        "  - key: $SPARRING_OTHER_KEY",
    ]
    if not secured:
        lines += [
            "# The document does not say how keys travel:",
            "# auth: bearer        # or basic, {header: X-API-Key}, {query: key}, {cookie: sid}",
        ]
    lines += _parameters(document, bound)
    lines += _bodies(document, bound)
    lines += [
        "# texts: [Hello. What can you do?]   # what is said to agents",
        "# wait: 30s                          # the longest time to wait for a reply",
    ]
    outside = [operation for operation, _ in choose(document).never]
    lines += ["# Never called unless they are named here; `!` in front excludes:"] * bool(outside)
    lines += ["# operations:"] * bool(outside)
    lines += [f"#   - {json.dumps(operation.label)}" for operation in outside[:30]]
    if len(outside) > 30:
        lines.append(f"#   … and {len(outside) - 30} more")
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join(text.split())


def _parameters(document: Document, bound: list[Operation]) -> list[str]:
    """The parameters that stand above sessions, or that every request must have."""
    bodies = Bodies(document)
    found: dict[str, Any] = {}
    for operation in bound:
        assert operation.binding is not None
        above = operation.binding.role in (Role.SESSION_CREATE, Role.SESSION_LIST)
        for parameter in operation.parameters:
            wanted = above if parameter.place == "path" else parameter.place in ("query", "header")
            if wanted and parameter.required and parameter.schema:
                found.setdefault(parameter.name, bodies.sample(parameter.schema))
    scalars = {n: v for n, v in found.items() if isinstance(v, (str, int, float))}
    if not scalars:
        return []
    lines = ["# Values that exist at the target; without them they are made up:", "# parameters:"]
    return lines + [f"#   {json.dumps(n)}: {json.dumps(v)}" for n, v in scalars.items()]


def _bodies(document: Document, bound: list[Operation]) -> list[str]:
    """What must stand in the bodies that make sessions and turns."""
    bodies = Bodies(document)
    shown = {
        (operation.id or operation.label): body
        for operation in bound
        if operation.binding
        and operation.binding.role in TALKING
        and (body := bodies.least(operation))
    }
    if not shown:
        return []
    lines = ["# Laid over the bodies that are made up (these are some):", "# bodies:"]
    return lines + [
        f"#   {json.dumps(name)}: {json.dumps(body, ensure_ascii=False)}"
        for name, body in shown.items()
    ]
