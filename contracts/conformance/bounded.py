"""Lets Schemathesis (pinned to 4.32) send through the target, as all other requests are sent."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError
from urllib3 import HTTPResponse

from sparring.spec.errors import SparringError
from sparring.spec.exchange import Exchange, Request
from sparring.spec.streams.framing import framing_of

from ..target.budget import Refused, Stopped
from ..target.target import Limits, NoAnswer, Target


class _Bounded(HTTPAdapter):
    """Lets requests be sent as all others are: within the budget, to the target alone, with
    answers of a bounded size and time that nothing decompresses."""

    def __init__(self, target: Target, seen: Callable[[Exchange], None]) -> None:
        super().__init__()
        self._target = target
        self._seen = seen

    def send(self, request: Any, *_: Any, **__: Any) -> Any:
        """The answer to a prepared request."""
        body = request.body or b""
        headers = {_text(name): _text(value) for name, value in request.headers.items()}
        sent = Request(
            request.method, request.url, headers, body.encode() if isinstance(body, str) else body
        )
        limits = Limits(seconds=2 * self._target.timeout, events=20)
        try:
            with self._target.open(sent, limits) as stream:
                stream.drain()
        except NoAnswer as error:
            raise ConnectionError(error.reason, request=request) from None
        except SparringError as error:  # nobody is there any more
            self._target.meter.stop(error.defects[0].message)
            raise ConnectionError(str(error), request=request) from None
        except (Stopped, Refused) as error:
            raise ConnectionError(str(error), request=request) from None
        exchange = stream.exchange
        answer = exchange.response
        self._seen(exchange)
        if not stream.ended and framing_of(answer.media_type) is None:
            raise ConnectionError(stream.broken or "no end of the answer", request=request)
        hidden = ("content-encoding", "transfer-encoding")
        if _too_deep(answer.body):
            raise ConnectionError("the JSON is nested too deeply to be read", request=request)
        raw = HTTPResponse(
            io.BytesIO(answer.body),
            headers={n: v for n, v in answer.headers.items() if n not in hidden},
            status=answer.status,
            preload_content=False,
        )
        response = self.build_response(request, raw)
        response.encoding = response.encoding or "utf-8"  # rather than to guess, which takes long
        return response


def _too_deep(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") < 500:
        return False
    try:
        json.loads(body)
    except RecursionError:
        return True
    except ValueError:
        pass
    return False


def _text(value: Any) -> str:
    """A name or value of a header as its bytes say it; requests writes texts as Latin-1."""
    data = value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")
    return data.decode("utf-8", "surrogateescape")


@contextmanager
def bounded(target: Target, seen: Callable[[Exchange], None]) -> Iterator[None]:
    """Gives every connection of Schemathesis, its probes too, to the target."""
    from schemathesis.engine import context

    make = context.make_session

    def make_bounded(*arguments: Any, **more: Any) -> Any:
        session = make(*arguments, **more)
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Bounded(target, seen))
        return session

    context.make_session = make_bounded
    try:
        yield
    finally:
        context.make_session = make
