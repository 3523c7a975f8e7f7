"""Request bodies that fit their schemas, and say what a check wants to say."""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sparring.fixtures.sampler import Sampler
from sparring.spec import pointers
from sparring.spec.document import Document, Media, Operation
from sparring.spec.form_encoding import is_form
from sparring.spec.schemas import Path, View

from .places import Location, flat, is_owner, plain, properties
from .target_file import TargetFile

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
LONG = "".join(f"{n:05d} words " for n in range(500))[:5000]
HUGE = "".join(f"{n:06d}." for n in range(10_000))[:66_000]
RICH_OBJECT = {
    "text": "  Ünï 👍 \n",
    "number": 1.5,
    "integer": 1,
    "one": "1",
    "true": True,
    "empty": {},
    "list": [1, "1", None, [], {"deep": [True]}],
    "nested": {"kept": 1, "below": {"a.b": "c/d~e"}},
}


class Bodies:
    """Makes request bodies for one document; every body fits its schema."""

    def __init__(self, document: Document, seed: int = 0, given: TargetFile | None = None) -> None:
        self.document = document
        self.seed = seed
        self.given = given or TargetFile()
        self._sampler = Sampler(document.schemas, View.REQUEST)
        self._left_out: dict[str, set[str]] = {}
        self._nonce = secrets.token_hex(5)
        self._count = 0
        self._lock = threading.Lock()

    def media(self, operation: Operation) -> Media | None:
        """What an operation's body is sent as: JSON where it may be, else a form."""
        taken = [m for m in operation.body.values() if m.schema]
        found = [m for m in taken if "json" in m.type] or [m for m in taken if is_form(m.type)]
        for name in self.given.media_types:
            if wanted := next((m for m in found if m.type == name), None):
                return wanted
        return next((m for m in found if m.type == "application/json"), next(iter(found), None))

    def is_valid(self, operation: Operation, body: Any) -> bool:
        """Whether the schema of the operation takes this body."""
        media = self.media(operation)
        return media is None or media.schema is None or self._fits(media.schema, body)

    def _fits(self, schema: Path, value: Any) -> bool:
        return self.document.schemas.at(schema, View.REQUEST).is_valid(value)

    def fresh(self) -> str:
        """A word that no other request has."""
        with self._lock:
            self._count += 1
            return f"{self._nonce}{self._count:04x}"

    def sample(self, schema: Path, *, required_only: bool = False, n: int = 0) -> Any:
        """A valid value of the schema at `path`."""
        return self._sampler.sample(schema, f"{self.seed}/{n}", required_only=required_only)

    def least(self, operation: Operation, n: int = 0) -> dict[str, Any]:
        """A body with what is required, and what the target's file says."""
        body: dict[str, Any] = self.merged(operation, self._least(operation, n))
        return body

    def merged(self, operation: Operation, body: Any) -> Any:
        """A body over which the target's file is laid, as a merge patch (RFC 7396)."""
        body = self._named(operation, body)
        template = self.given.bodies.get(operation.label)
        return body if template is None else _patched(body, template)

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

    def _least(self, operation: Operation, n: int) -> dict[str, Any]:
        media = self.media(operation)
        if media is None or media.schema is None:
            return {}
        if self._fits(media.schema, {}):
            return {}
        body = self.sample(media.schema, required_only=True, n=n)
        return body if isinstance(body, dict) else {}

    def leave_out(self, operation: Operation, names: Iterable[str]) -> None:
        """Leaves these attributes out of full bodies from now on."""
        self._left_out.setdefault(operation.label, set()).update(names)

    def attributes(self, operation: Operation) -> dict[str, Any]:
        """The schemas of the properties that the body may have."""
        media = self.media(operation)
        if media is None or media.schema is None:
            return {}
        tree = self.document.schema(media.schema, View.REQUEST)
        return properties(self.document, tree, View.REQUEST)

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
        fixed = {*self.given.bodies.get(operation.label, {}), *self._named(operation, {})}
        for name, schema in self.attributes(operation).items():
            if name in fixed or (name not in body and self.is_personal(name)):
                continue
            if name in without:
                body.pop(name, None)
                continue
            if name in body:
                continue
            for value in self._rich_values(schema, n):
                if self.is_valid(operation, body | {name: value}):
                    body[name] = value
                    break
            else:
                if isinstance(sampled, dict) and name in sampled and self._is_flat(schema):
                    body[name] = sampled[name]
        return body

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

    def message(
        self, operation: Operation, texts: Sequence[str], roles: Sequence[str] = ()
    ) -> dict[str, Any] | None:
        """A body that says `texts`; None where the operation can't say them."""
        binding = operation.binding
        if binding is None or binding.input is None or binding.input.part != "body":
            return None
        at = pointers.split(binding.input.name)
        for base in self._bases(operation):
            body = copy.deepcopy(base)
            for index, text in enumerate(texts):
                if binding.messages is not None and at[: len(binding.messages)] == binding.messages:
                    rest = at[len(binding.messages) + 1 :]
                    if index == 0:
                        first = pointers.first(body, (*binding.messages, "0"), {})
                        pointers.put(body, binding.messages, [])
                        template = first if isinstance(first, dict) else {}
                    container: Any = copy.deepcopy(template)
                    pointers.put(container, rest, text)
                    self._put_role(container, roles[index] if roles else "user")
                    pointers.first(body, binding.messages).append(container)
                elif len(texts) > 1:
                    return None
                else:
                    pointers.put(body, at, text)
                    self._put_speaker(operation, body, at)
            self._put_kind(operation, body)
            if self.is_valid(operation, body):
                return body
        return None

    def _bases(self, operation: Operation) -> Iterator[dict[str, Any]]:
        for base in self._samples(operation):
            yield self.merged(operation, base)

    def _samples(self, operation: Operation) -> Iterator[dict[str, Any]]:
        yield {}
        media = self.media(operation)
        if media is None or media.schema is None:
            return
        for n in range(8):
            sample = self.sample(media.schema, required_only=True, n=n)
            if isinstance(sample, dict):
                yield sample
        at = tuple(map(str, media.schema[:-1]))
        node = pointers.first(self.document.source.tree, at, {})
        examples: Mapping[str, Any] = node.get("examples") or {}
        for example in (node.get("example"), *(e.get("value") for e in examples.values())):
            if isinstance(example, dict):
                yield example

    def _put_speaker(self, operation: Operation, body: Any, at: Location) -> None:
        """Says that the user speaks, in the nearest object around the text that has room for it."""
        words, media = self.document.model.message.role, self.media(operation)
        if words is None or media is None or len(at) < 2:
            return
        for depth in range(len(at) - 1, 0, -1):
            around = self.document.schema(media.schema, View.REQUEST)
            for token in at[:depth]:
                around = plain(self.document, around, View.REQUEST)
                known = properties(self.document, around, View.REQUEST)
                around = known.get(token, around.get("items", {}))
            found = pointers.first(body, at[:depth])
            if words.at[-1] in properties(self.document, around, View.REQUEST):
                found.setdefault(words.at[-1], words.words.get("user", "user"))
                return
        if len(words.at) == 1:
            self._put_role(pointers.first(body, at[:-1]), "user")

    def _put_role(self, container: Any, role: str) -> None:
        words = self.document.model.message.role
        if words and isinstance(container, dict) and role in words.words:
            pointers.put(container, words.at, words.words[role])

    def _put_kind(self, operation: Operation, body: dict[str, Any]) -> None:
        binding, kinds = operation.binding, self.document.model.event.kind
        if binding and binding.kind and kinds and "message" in kinds.words:
            pointers.put(body, binding.kind, kinds.words["message"])


def _patched(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(value) if isinstance(value, dict) else {}
    for name, inner in patch.items():
        if inner is None:
            merged.pop(name, None)
        else:
            merged[name] = _patched(merged.get(name), inner)
    return merged


def without(body: Mapping[str, Any], location: Location) -> dict[str, Any]:
    """A copy of `body` that has nothing at `location`."""
    copied: dict[str, Any] = copy.deepcopy(dict(body))
    parent = pointers.first(copied, location[:-1])
    if isinstance(parent, dict):
        parent.pop(location[-1], None)
    return copied
