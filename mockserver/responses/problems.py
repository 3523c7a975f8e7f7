"""What the mock server answers when it can't do what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sparring.spec.openapi.schemas import Validator


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong with a request: the part, a JSON Pointer into it, and what."""

    place: str
    pointer: str
    detail: str


def phrase(status: int) -> str:
    """The words for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # there are others too, such as 529
        return f"Error {status}"


def defects_of(place: str, validator: Validator, value: Any) -> list[Defect]:
    """What is wrong with a part of a request."""
    return [Defect(place, v.pointer, v.message) for v in validator.violations(value)]


class Problem(Exception):
    """Ends a request with an error (RFC 9457). `code` is of the registry of error codes; `of_mock`
    says that it is about what only a mock server knows, so no document has words for it, and `more`
    are members that it has then; with `exact` the status stays as it is, whatever the document
    declares."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        defects: Sequence[Defect] = (),
        headers: Sequence[tuple[str, str]] = (),
        *,
        of_mock: bool = False,
        exact: bool = False,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.defects = defects
        self.headers = headers
        self.of_mock = of_mock
        self.exact = exact
        self.more = more or {}
