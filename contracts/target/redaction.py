"""Keeps keys out of everything that is shown: a variable of the shell stands in place of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sparring.spec.exchange import SECRET_HEADERS, Exchange, Request
from sparring.spec.finding import Finding
from sparring.spec.replay import FORMS

from .file import Person

PUBLIC = frozenset({"alice-key", "bob-key"})
"""The usual keys of a mock, which everyone may see."""
_SECRET_NAME = re.compile(
    r"auth|(?:^|[-_])key|api-?key|token|secret|passw|cookie|credential", re.IGNORECASE
)
_SHORTEST = 6  # characters: what is shorter is only hidden where it stands alone in a request
_DISTINCT = 10  # characters: what is shorter may be part of a word


class Redaction:
    """Replaces keys, and what is made of them, in texts, exchanges and findings."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        known: dict[str, str] = {}
        for name, secret in secrets.items():
            known.setdefault(secret, name)
        for secret, name in list(known.items()):
            if name in KEYS:
                for form, (made, _) in FORMS.items():
                    known.setdefault(made(secret), f"{name}_{form}")
        self._names = {secret: f"${{{name}}}" for secret, name in known.items() if secret}
        self._in_requests = _pattern(self._names)
        self._anywhere = _pattern([s for s in self._names if len(s) >= _SHORTEST])

    def text(self, text: str) -> str:
        """A text without keys."""
        return self._hidden(self._anywhere, text)

    def finding(self, finding: Finding) -> Finding:
        """A finding without keys; its script asks for them as variables."""
        if self._in_requests is None:
            return finding
        return replace(
            finding,
            expected=self.text(finding.expected),
            seen=self.text(finding.seen),
            cause=self.text(finding.cause),
            exchanges=tuple(map(self.exchange, finding.exchanges)),
        )

    def exchange(self, exchange: Exchange) -> Exchange:
        """An exchange without keys, and without the cookies that the target has set."""
        sent, got = exchange.request, exchange.response
        request = Request(
            sent.method,
            self._hidden(self._in_requests, sent.url),
            {n: self._hidden(self._in_requests, v) for n, v in sent.headers.items()},
            self._bytes(sent.body),
        )
        headers = {
            name: "(hidden)" if name in SECRET_HEADERS else self.text(value)
            for name, value in got.headers.items()
        }
        response = replace(got, headers=headers, body=self._bytes(got.body))
        return replace(exchange, request=request, response=response)

    def _bytes(self, body: bytes) -> bytes:
        text = body.decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")

    def _hidden(self, pattern: re.Pattern[str] | None, text: str) -> str:
        if pattern is None:
            return text
        return pattern.sub(lambda match: self._names[match.group()], text)


KEYS = ("SPARRING_KEY", "SPARRING_OTHER_KEY")


def redaction(
    keys: Sequence[str], headers: Mapping[str, str], people: Sequence[Person]
) -> Redaction:
    """Hides the keys of the users, and the headers and parameters that are named like keys."""
    secrets = {n: key for n, key in zip(KEYS, keys, strict=True) if key and key not in PUBLIC}
    given = [("HEADER", headers)]
    for number, person in enumerate(people, 1):
        given += [(f"HEADER_{number}", person.headers)]
        texts = {n: v for n, v in person.parameters.items() if isinstance(v, str)}
        given += [(f"PARAMETER_{number}", texts)]
    for place, values in given:
        for name, value in values.items():
            if not _SECRET_NAME.search(name):
                continue
            if name.lower().endswith("authorization"):
                value = value.rpartition(" ")[2]
            word = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
            secrets[f"SPARRING_{place}_{word}"] = value
    return Redaction(secrets)


def _pattern(secrets: Sequence[str] | Mapping[str, str]) -> re.Pattern[str] | None:
    parts = [
        re.escape(secret) if len(secret) >= _DISTINCT else rf"(?<!\w){re.escape(secret)}(?!\w)"
        for secret in sorted(secrets, key=len, reverse=True)
    ]
    return re.compile("|".join(parts)) if parts else None
