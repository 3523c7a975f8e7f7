"""Reads request bodies: JSON, forms, files and texts become one checked value."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Message, Receive

from sparring.spec import pointers
from sparring.spec.openapi.document import Document, Media, Operation
from sparring.spec.openapi.forms import compile_form
from sparring.spec.openapi.parameters import properties_in
from sparring.spec.openapi.schemas import Validator, View
from sparring.spec.text.json_text import decode_json

from ..responses.problems import Defect, Problem, defects_of
from .negotiation import matches

MAX_BODY = 2 * 1024 * 1024  # a text of 100,000 characters, each escaped as two halves, fits
_MAX_FIELDS = 10_000
logging.getLogger("python_multipart").addHandler(logging.NullHandler())  # the answer says it all
Fields = dict[str, list[str]]
_Decode = Callable[[bytes, bytes], Any]


class _Kind(NamedTuple):
    """How the bodies of one media type are read; None where anything is valid."""

    decode: _Decode
    validator: Validator | None


class Bodies:
    """The bodies that one operation takes."""

    def __init__(self, document: Document, operation: Operation) -> None:
        self._document = document
        self._required = operation.body_required
        self._declared = {
            name.partition(";")[0].strip().lower(): media for name, media in operation.body.items()
        }
        place = operation.binding.input if operation.binding else None
        if not self._declared and place is not None and place.part == "body":
            self._declared["application/json"] = Media("application/json", None)
        self.expected = bool(self._declared)
        self._ranges = sorted((n for n in self._declared if "*" in n), key=lambda n: n.count("*"))
        # by the header as it was sent, as most clients write it
        self._kinds = {
            name.encode(): self._kind(name, media) for name, media in self._declared.items()
        }

    async def read(self, receive: Receive, headers: Mapping[bytes, bytes]) -> Any:
        """The checked body, None when there is none. Raises Problem 400, 413, 415 or 422."""
        data = await _receive(receive, headers)
        header = headers.get(b"content-type", b"")
        if not data and not (header and self._required):
            if self._required:
                defect = Defect("body", "", "a body is required")
                raise Problem(422, "H422", "The body is missing.", [defect])
            return None
        decode, validator = self._kinds.get(header) or self._find(header)
        try:
            value = decode(data, header)
        except ValueError as error:
            raise Problem(400, "H400", f"The body can't be read: {error}.") from None
        if validator is not None and not validator.is_valid(value):
            defects = defects_of("body", validator, value)
            raise Problem(422, "H422", "The body breaks its schema.", defects)
        return value

    def _find(self, header: bytes) -> _Kind:
        media_type = header.decode("latin-1").partition(";")[0].strip().lower()
        known = self._kinds.get(media_type.encode())
        if known is not None:
            return known
        for name in self._ranges if "/" in media_type else ():
            if matches(media_type, name):
                return self._kind(media_type, self._declared[name])
        taken = f"Send {', '.join(self._declared)}" if self._declared else "Send no body"
        raise Problem(415, "H415", f"{taken}, not {media_type or 'an untyped body'}.")

    def _kind(self, media_type: str, media: Media) -> _Kind:
        schemas = self._document.schemas
        validator = schemas.at(media.schema, View.REQUEST) if media.schema else None
        if "json" in media_type:
            return _Kind(lambda data, header: decode_json(data), validator)
        if media_type == "application/x-www-form-urlencoded":
            fields, read = self._form(media)

            def decode(data: bytes, header: bytes) -> Any:
                found = _urlencoded(data)
                if fields and b"=" not in data and not found.keys() <= fields:
                    _refuse_text(found)
                return read(found)

            return _Kind(decode, validator)
        if media_type.startswith("multipart/"):
            _, read = self._form(media)
            return _Kind(lambda data, header: read(_multipart(data, header)), validator)
        return _Kind(lambda data, header: data.decode("utf-8", "replace"), validator)

    def _form(self, media: Media) -> tuple[set[str], Callable[[Fields], Any]]:
        """The fields that the schema of a form names, and its reader."""
        document = self._document

        def resolve(schema: Any) -> dict[str, Any]:
            return document.follow(schema, View.REQUEST)

        encoding: Any = None
        if media.schema is not None:
            beside = (*map(str, media.schema[:-1]), "encoding")
            encoding = pointers.first(document.source.tree, beside)
        schema = document.schema(media.schema, View.REQUEST)
        read = compile_form(schema, resolve, encoding if isinstance(encoding, dict) else None)
        return set(properties_in(schema, resolve)), read


def _refuse_text(found: Fields) -> None:
    """Refuses what is no form: a JSON text, for one, that a client sent with a wrong type."""
    name = next(iter(found), "")
    defect = Defect("body", pointers.join([name[:60]]), "the form has no such field")
    raise Problem(422, "H422", "The body is no form of fields and values.", [defect])


def _urlencoded(data: bytes) -> Fields:
    found: Fields = {}
    text = data.decode("utf-8", "replace")
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS):
        found.setdefault(name, []).append(value)
    return found


def _multipart(data: bytes, header: bytes) -> Fields:
    """The parts of a multipart body (RFC 7578); a file is the text in it."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import Field, File, parse_form

    if b"boundary=" not in header.lower():
        raise Problem(415, "H415", "Send multipart/form-data with a boundary, not without.")
    if data.count(b"\n--") > _MAX_FIELDS:
        raise ValueError(f"it has more than {_MAX_FIELDS} parts")
    found: Fields = {}

    def add(name: bytes | None, value: bytes) -> None:
        text = value.decode("utf-8", "replace")
        found.setdefault((name or b"").decode("utf-8", "replace"), []).append(text)

    def on_field(field: Field) -> None:
        add(field.field_name, field.value or b"")

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        add(file.field_name, file.file_object.read())
        file.close()

    try:
        parse_form({"Content-Type": header}, BytesIO(data), on_field, on_file)
    except FormParserError as error:
        raise ValueError(str(error)) from None
    return found


async def _receive(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > MAX_BODY:
        raise _too_large()
    message = await _next(receive)
    data: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(data) > MAX_BODY:
            raise _too_large()
        return data
    parts, size = [data], len(data)
    while message.get("more_body"):
        message = await _next(receive)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            raise _too_large()
    return b"".join(parts)


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Problem(400, "H400", "The body was cut off.")
    return message


def _too_large() -> Problem:
    return Problem(413, "H413", f"A body has at most {MAX_BODY} bytes.")
