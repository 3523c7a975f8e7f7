"""Refusals, as problem documents (RFC 9457)."""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import TypedDict

from starlette.responses import Response

from .values import dumps

Defect = TypedDict("Defect", {"in": str, "pointer": str, "detail": str})


class Problem(Exception):
    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Defect] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers

    def response(self, faults: Collection[str]) -> Response:
        if "not_found_is_200" in faults and self.status == 404:
            return Response("null", media_type="application/json")
        body: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors and "errors_left_out" not in faults:
            body["errors"] = self.errors
        if "problem_without_title" in faults:
            del body["title"]
        if "problem_status_differs" in faults:
            body["status"] = 500
        media_type = "application/problem+json"
        if "problem_as_json" in faults:
            media_type = "application/json"
        return Response(dumps(body), self.status, self.headers, media_type)
