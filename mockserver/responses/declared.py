"""The responses that a document declares for one operation, given as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from sparring.fixtures.sampling.sampler import Sampler
from sparring.fixtures.shaping.shapes import Shaper
from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import Operation, Response
from sparring.spec.openapi.schemas import View
from sparring.spec.text.json_text import decode_json

from ..requests.negotiation import choose, concrete, matches
from ..requests.preferences import Preferences
from ..requests.requests import Request
from .answers import Answer
from .examples import Content, contents, header_examples, overlay
from .problems import Problem
from .rendering import is_json, render

_EMPTY = (204, 205, 304)
_EVENTS = 3
_KEPT = 100
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_OF_THE_SERVER = {
    *("connection", "content-encoding", "content-length", "content-type", "date", "keep-alive"),
    *("te", "trailer", "transfer-encoding", "upgrade"),
}
"""What says how an answer travels; a sample of it would break it."""


class Declared:
    """Answers of one operation from its document alone: an example, what its schema states, and a
    sample for the rest. Nothing is compiled before the first of them."""

    def __init__(self, shaper: Shaper, operation: Operation) -> None:
        self._shaper = shaper
        self._document = shaper.document
        self._operation = operation
        self._kept: dict[tuple[Any, ...], Answer] = {}

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self._document.schemas)

    def usual(self, request: Request) -> Answer:
        """The answer to a valid request. Raises Problem 406 or 501."""
        return self._answer(*self._first(), request, Preferences())

    def preferred(self, request: Request, wanted: Preferences) -> Answer:
        """The answer that a client asks for. Raises Problem 404, 406 or 501."""
        status, response = self._first()
        if wanted.code is not None:
            status, found = wanted.code, self._operation.response(wanted.code)
            if found is None:
                declared = ", ".join(self._operation.responses) or "nothing"
                detail = f"{self._operation.label} declares {declared}, not {status}."
                raise Problem(404, "H404", detail, of_mock=True)
            response = found
        answer = self._answer(status, response, request, wanted)
        headers = [*answer.headers, (b"preference-applied", wanted.applied)]
        return Answer(answer.status, answer.media_type, answer.body, headers)

    def error(self, status: int) -> Answer | None:
        """What a document shows for an error whose body can say nothing of the error; None when it
        shows nothing."""
        response = self._operation.response(status)
        offered = contents(self._document, self._operation, response) if response else []
        for content in sorted(offered, key=lambda content: not is_json(content.media_type)):
            if "*" not in content.media_type and (content.examples or content.schema):
                try:
                    value = self._value(content, Preferences(), str(status), offered)
                except Problem:
                    continue
                return self._written(status, content.media_type, value, content)
        return None

    def _first(self) -> tuple[int, Response | None]:
        """The lowest success, the default, or the first final response of all."""
        operation = self._operation
        if operation.success is not None:
            return operation.success
        if "default" in operation.responses:
            return 200, operation.responses["default"]
        for key, response in operation.responses.items():
            if key[:1] in "345":
                return int(key) if key.isdecimal() else int(key[:1]) * 100, response
        return 200, None

    def _answer(
        self, status: int, response: Response | None, request: Request, wanted: Preferences
    ) -> Answer:
        """The answer; what is the same each time is made once."""
        if wanted.dynamic:
            seed = str(request.world.chance.random())
            return self._made(status, response, request.accept, seed, wanted)
        seed = f"{request.world.seed}/{sorted(request.path.items())}"
        key = (status, request.accept, wanted.example, seed)
        if key not in self._kept:
            if len(self._kept) == _KEPT:
                self._kept.clear()
            self._kept[key] = self._made(status, response, request.accept, seed, wanted)
        return self._kept[key]

    def _made(
        self, status: int, response: Response | None, accept: str, seed: str, wanted: Preferences
    ) -> Answer:
        headers = list(self._headers(response, seed)) if response else []
        offered = contents(self._document, self._operation, response) if response else []
        if not offered or status in _EMPTY:
            return Answer(status, b"", b"", headers)
        names = [content.media_type for content in offered]
        chosen = choose(accept, names)
        if chosen is None and status >= 400:
            chosen = names[0]  # who asks for an error wants to see it
        if chosen is None:
            raise Problem(406, "H406", f"This answers with {' or '.join(names)}.")
        content = next(c for c in offered if c.media_type == chosen)
        value = self._value(content, wanted, seed, offered)
        instead = "text/plain" if isinstance(value, str) else "application/json"
        answer = self._written(status, concrete(chosen, accept, instead), value, content)
        answer.headers = headers
        return answer

    def _written(self, status: int, media_type: str, value: Any, content: Content) -> Answer:
        body = render(value, media_type, self._document, content.schema)
        return Answer(status, media_type.encode(), body)

    def _value(
        self, content: Content, wanted: Preferences, seed: str, offered: list[Content]
    ) -> Any:
        of_ranges = [o.examples for o in offered if _holds(o.media_type, content.media_type)]
        examples = next(filter(None, [content.examples, *of_ranges]), {})
        if wanted.example is not None:
            if wanted.example not in examples:
                known = ", ".join(examples) or "none"
                detail = f"There is no example {wanted.example} of {content.media_type}: {known}."
                raise Problem(404, "H404", detail, of_mock=True)
            return examples[wanted.example]
        if not (wanted.dynamic and content.schema):
            for example in examples.values():
                for value in self._readings(content, example):
                    if self._is_valid(content, value):
                        return value
        return self._sample(content, seed, dynamic=bool(wanted.dynamic))

    def _readings(self, content: Content, example: Any) -> Iterator[Any]:
        """An example as it stands and, where authors wrote it so, as a JSON text."""
        yield example
        if isinstance(example, str) and is_json(content.media_type):
            try:
                yield decode_json(example)
            except ValueError:
                return

    def _is_valid(self, content: Content, value: Any) -> bool:
        if content.schema is None or (isinstance(value, str) and not is_json(content.media_type)):
            return True
        try:
            validator = self._document.schemas.at(content.schema, View.RESPONSE)
        except SparringError:
            return True
        return validator.is_valid(value)

    def _sample(self, content: Content, seed: str, *, dynamic: bool) -> Any:
        media_type = content.media_type
        if content.schema is None:
            if is_json(media_type) or "*" in media_type:
                return {}
            if media_type.startswith("text/"):
                return ""
            detail = f"{self._operation.label} shows no example and no schema of {media_type}."
            raise Problem(501, "H501", detail, of_mock=True)
        try:
            if media_type.startswith("text/event-stream"):
                return [self._sampler.sample(content.schema, f"{seed}/{n}") for n in range(_EVENTS)]
            value = self._sampler.sample(content.schema, seed)
            return value if dynamic else overlay(self._shaper, content.schema, value)
        except SparringError as error:
            raise Problem(501, "H501", str(error), of_mock=True) from None

    def _headers(self, response: Response, seed: str) -> Iterator[tuple[bytes, bytes]]:
        """The declared headers, each with an example or a sample."""
        for header, shown in header_examples(self._document, self._operation, response):
            name = header.name.lower()
            if name in _OF_THE_SERVER or (name == "set-cookie" and not shown):
                continue
            if shown:
                value = shown[0]
            elif header.schema is not None:
                try:
                    value = self._sampler.sample(header.schema, seed)
                    value = overlay(self._shaper, header.schema, value)
                except SparringError:
                    continue
            else:
                continue
            text = _header_text(value)
            if text.isprintable() and _TOKEN.fullmatch(name):
                yield name.encode(), text.encode("latin-1", "replace")


def _holds(media_range: str, media_type: str) -> bool:
    return "*" in media_range and matches(media_type, media_range)


def _header_text(value: Any) -> str:
    """A value in the style `simple`."""
    if isinstance(value, list):
        return ",".join(map(_header_text, value))
    if isinstance(value, dict):
        return ",".join(f"{name},{_header_text(inner)}" for name, inner in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
