"""Request bodies that are easily damaged: what a check sends to see it come back whole."""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sparring.fixtures import bodies
from sparring.spec import pointers
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Location, flat, is_owner, plain, properties
from sparring.spec.openapi.schemas import View

from ..target.file import TargetFile
from .attributes import guard, is_required, names_another

HOSTILE = (
    "  two leading and two trailing spaces  ",
    "line one\nline two\r\nline three\ttab\n",
    "emoji \U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308 \U0001f44d\U0001f3fd",
    "cafe\u0301 and café, \u1100\u1161 and 가",
    "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c \u0645\u0631\u062d\u0628\u0627",
    "<b onclick=\"x('1')\">&amp; &lt;i&gt; </script>",
    "quotes \" ' ` and back\\slashes \\n \\u0041 %s %20 +",
    "{{ 7 * 7 }} {% if x %} ${HOME} #{y} $name {0}",
    "null",
    "007",
    "zero\u200bwidth\ufeff and \u2028 separators \u00a0 end",
)
LONG = " ".join(f"{n:03d}-a-long-word-for-agents-that-echo-word-by-word" for n in range(110))[:5000]
HUGE = "".join(f"{n:06d}." for n in range(10_000))[:66_000]
RICH_OBJECT = {
    "text": "  Ünï 👍 \n",
    "number": 1.5,
    "integer": 1,
    "camelCase": "1",
    "snake_case": True,
    "empty": {},
    "list": [1, "1", None, [], {"deep": [True]}],
    "nested": {"kept": 1, "below": {"a.b": "c/d~e"}},
}


class Bodies(bodies.Bodies):
    """Bodies with what is rare but legal, and with values that no other request has."""

    def __init__(self, document: Document, seed: int = 0, given: TargetFile | None = None) -> None:
        self.given = given = given or TargetFile()
        super().__init__(document, seed, media_types=given.media_types, templates=given.bodies)
        self._left_out: dict[str, set[str]] = {}
        self._nonce = secrets.token_hex(5)
        self._count = 0
        self._lock = threading.Lock()

    def fresh(self) -> str:
        """A word that no other request has."""
        with self._lock:
            self._count += 1
            return f"{self._nonce}{self._count:04x}"

    def merged(self, operation: Operation, body: Any) -> Any:
        """A body with what the target's file says."""
        return super().merged(operation, self._named(operation, body))

    def _named(self, operation: Operation, body: Any) -> Any:
        """A body with the target's known values in the members that are called like parameters."""
        known = {flat(name): value for name, value in self.given.parameters.items()}
        if not known or not isinstance(body, dict):
            return body
        names = (name for name in self.attributes(operation) if flat(name) in known)
        named = body | {name: known[flat(name)] for name in names}
        return named if self.is_valid(operation, named) else body

    def is_given(self, operation: Operation, name: str) -> bool:
        """Whether the target's file says what a member has to be."""
        fixed = {*self.given.bodies.get(operation.label, {}), *self._named(operation, {})}
        return (
            name in fixed
            or flat(name) in map(flat, self.given.parameters)
            or (self.is_personal(name))
        )

    def is_personal(self, name: str) -> bool:
        """Whether a member is called like what each user has for themselves: a parameter of
        theirs, or whose sessions the paths speak of."""
        parameters = {flat(n) for person in self.given.users for n in person.parameters}
        inside = (p for o in self.document.operations for p in o.parameters if p.place == "path")
        paths = {flat(found.name) for found in inside if is_owner(found.name)}
        return flat(name) in parameters or flat(name) in paths

    def leave_out(self, operation: Operation, names: Iterable[str]) -> None:
        """Leaves these attributes out of full bodies from now on."""
        self._left_out.setdefault(operation.label, set()).update(names)

    def rich(
        self, operation: Operation, *, without: Iterable[str] = (), n: int = 0
    ) -> dict[str, Any]:
        """A body with every attribute set to something that is easily damaged."""
        body = self.least(operation)
        without = {*without, *self._left_out.get(operation.label, ())}
        media = self.media(operation)
        if media is None or media.schema is None:
            return body
        sampled = self.sample(media.schema, n=n)
        if guarding := guard(self.document, operation):
            without = (*without, guarding[0])
        fixed = {*self.templates.get(operation.label, {}), *self._named(operation, {})}
        for name, schema in self.attributes(operation).items():
            if name in fixed or (name not in body and self.is_personal(name)):
                continue
            if name in without:
                if not is_required(self.document, operation, name):
                    body.pop(name, None)
                continue
            if name in body:
                continue
            shown = self._shown(schema) if names_another(name) else ()
            for value in (*shown, *self._rich_values(schema, n)):
                if self.is_valid(operation, body | {name: value}):
                    body[name] = value
                    break
            else:
                if isinstance(sampled, dict) and name in sampled and self._is_flat(schema):
                    body[name] = sampled[name]
        return body

    def _shown(self, schema: Any) -> list[Any]:
        """The values that a document shows for a member: they stand for something that exists."""
        schema = plain(self.document, schema, View.REQUEST)
        shown = [schema.get("default"), schema.get("example"), *(schema.get("examples") or ())]
        return [value for value in shown if value is not None]

    def _is_flat(self, schema: Any) -> bool:
        """Whether values of a schema hold no objects that are made of several parts.

        What such parts mean together no schema says: a server may refuse what is made up.
        """
        schema = plain(self.document, schema, View.REQUEST)
        parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("prefixItems", ())]
        if isinstance(schema.get("items"), dict):
            parts.append(schema["items"])
        known = properties(self.document, schema, View.REQUEST)
        return not known and all(map(self._is_flat, parts))

    def _rich_values(self, schema: Any, n: int) -> Iterator[Any]:
        schema = plain(self.document, schema, View.REQUEST)
        types = schema.get("type", ())
        types = {types} if isinstance(types, str) else set(types)
        if "boolean" in types:
            yield schema.get("default") is not True
        if "object" in types and not schema.get("properties"):
            yield {**copy.deepcopy(RICH_OBJECT), "n": n}
        if "string" in types and not {"pattern", "enum", "const", "format"} & set(schema):
            hostile = HOSTILE[(n + 7) % len(HOSTILE)]
            yield f" \t{hostile} {HOSTILE[2]}\n "
            yield f"  {hostile} "
            yield hostile

    def client_ids(self, operation: Operation, at: str, body: dict[str, Any]) -> Iterator[str]:
        """Fresh ids that the body may carry at a pointer, of different shapes."""
        for shape in ("{0}", "A-z_{0}", "{0}" + "Zz-_09" * 9, "{1}", "{0}{0}{0}{0}"):
            hexadecimal = self.fresh().rjust(32, "0")
            uuid = "-".join(
                (
                    hexadecimal[:8],
                    hexadecimal[8:12],
                    "4" + hexadecimal[13:16],
                    "8" + hexadecimal[17:20],
                )
            )
            uuid += f"-{hexadecimal[20:]}"
            word = shape.format(self.fresh(), uuid)
            for candidate in (word, word[:64], word[:36], word[:32]):
                trial = copy.deepcopy(body)
                pointers.put(trial, pointers.split(at), candidate)
                if self.is_valid(operation, trial):
                    yield candidate
                    break

    def message_attributes(self, operation: Operation) -> dict[str, list[Any]]:
        """Values for each property that a message in the body may have, not all of them valid."""
        binding, media = operation.binding, self.media(operation)
        if binding is None or binding.messages is None or media is None or media.schema is None:
            return {}
        schema: Any = self.document.schema(media.schema, View.REQUEST)
        for token in binding.messages:
            schema = properties(self.document, schema, View.REQUEST).get(token, {})
        items = self.document.follow(schema, View.REQUEST).get("items", {})
        known = properties(self.document, items, View.REQUEST)
        return {name: list(self._rich_values(inner, 0)) for name, inner in known.items()}


def without(body: Mapping[str, Any], location: Location) -> dict[str, Any]:
    """A copy of `body` that has nothing at `location`."""
    copied: dict[str, Any] = copy.deepcopy(dict(body))
    parent = pointers.first(copied, location[:-1])
    if isinstance(parent, dict):
        parent.pop(location[-1], None)
    return copied
