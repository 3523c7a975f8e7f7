"""Shows a report as one HTML file that needs no network and no script."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from sparring.spec.exchange import Exchange
from sparring.spec.finding import Finding

from ..findings.baseline import Entry
from ..findings.report import SUITES, Cause, Outcome, Report, State, suite_of
from .console import summary
from .markup import Html, join, tag
from .places import local_path

_OPEN = 5  # findings that are unfolded
_LONGEST = 4000  # characters of a body that are shown
_SIGNS = {
    State.PASSED: "✓",
    State.FAILED: "✗",
    State.SKIPPED: "·",
    State.BLOCKED: "?",
    State.ERROR: "!",
}


def render(report: Report) -> str:
    """The report as a page: verdict, findings, what was accepted, then all that was checked."""
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = f"{report.document.title} at {report.url}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{_verdict(report)}: {title}"),
        tag("style", Html(style)),
    )
    main = tag(
        "main", _header(report, title), _findings(report), _accepted(report), _matrix(report)
    )
    page = tag("html", head, tag("body", main, _footer(report)), lang="en")
    return f"<!doctype html>\n{page}\n"


def _verdict(report: Report) -> str:
    count = len(report.causes)
    if count:
        return f"{count} finding{'s' * (count > 1)}"
    return "sparring failed" if report.exit_code else "Clean"


def _header(report: Report, title: str) -> Html:
    severities = [cause.finding.severity.value for cause in report.causes]
    chips = [f"{severities.count(s)} {s}" for s in dict.fromkeys(severities)]
    chips += [f"{report.count(state)} checks {state.value}" for state in State]
    if report.accepted:
        chips.append(f"{len(report.accepted_causes)} accepted")
    return tag(
        "header",
        tag("h1", _verdict(report), class_="bad" if report.exit_code else "good"),
        tag("p", title),
        tag("ul", *(tag("li", chip) for chip in chips if chip[0] != "0"), class_="chips"),
        *(tag("p", note, class_="note") for note in report.notes),
    )


def _findings(report: Report) -> Html:
    causes = report.causes
    if not causes:
        return Html("")
    shown = [_finding(cause, number <= _OPEN) for number, cause in enumerate(causes, 1)]
    more = len(causes) - _OPEN
    if more > 0:
        shown.insert(_OPEN, tag("p", f"and {more} more", class_="note"))
    return tag("section", tag("h2", "Findings, those that matter most first"), *shown)


def _accepted(report: Report) -> Html:
    accepted = report.accepted_causes
    if not accepted:
        return Html("")
    shown = [_finding(cause, False, entry) for cause, entry in accepted]
    return tag("section", tag("h2", "Accepted in the baseline"), *shown)


def _finding(cause: Cause, is_open: bool, entry: Entry | None = None) -> Html:
    finding = cause.finding
    severity = finding.severity.value
    heading = tag(
        "summary",
        tag("span", severity, class_=f"severity {severity}"),
        " ",
        tag("strong", finding.message),
        " ",
        tag("code", finding.promise),
        " ",
        tag("span", _some(cause.operations), class_="note"),
    )
    facts = tag("dl", *(join(tag("dt", k), tag("dd", v)) for k, v in _facts(cause, entry)))
    body = tag(
        "div",
        tag("p", tag("b", "expected"), " ", finding.expected, class_="expected"),
        tag("p", tag("b", "seen"), " ", finding.seen, class_="seen"),
        facts,
        tag("h3", "Sequence"),
        tag("ol", *map(_exchange, finding.exchanges)),
        tag("h3", "Repeat it ", tag("span", "(one click selects all)", class_="note")),
        tag("pre", finding.curl(), class_="script", tabindex="0"),
        class_="body",
    )
    return tag(
        "details",
        heading,
        body,
        id="" if entry else finding.id,
        open="open" if is_open else "",
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 3 else ""
    return ", ".join(names[:2] if more else names) + more


def _facts(cause: Cause, entry: Entry | None) -> Iterator[tuple[str, str]]:
    finding = cause.finding
    if entry is not None:
        yield "accepted", f"until {entry.expires}: {entry.reason}"
    if position := finding.position:
        yield "promised in", f"{local_path(position)}:{position.line} {finding.pointer}"
    if len(cause.operations) > 1:
        yield "operations", ", ".join(cause.operations)
    yield "to blame", finding.blame.value
    yield "shown", f"{finding.reproduced} of {finding.tried} times, seed {finding.seed}"
    yield "id", finding.id


def _exchange(exchange: Exchange) -> Html:
    request, response = exchange.request, exchange.response
    url = urlsplit(request.url)
    path = url.path + (f"?{url.query}" if url.query else "")
    sent = _message(dict(request.headers), request.body)
    got = _message(dict(response.headers), response.body, response.cut)
    heading = tag("summary", tag("code", f"{request.method} {path}"), f" → {response.status}")
    return tag("li", tag("details", heading, tag("pre", sent), tag("pre", got)))


def _message(headers: dict[str, str], body: bytes, cut: str = "") -> str:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    text = body[: 4 * _LONGEST].decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):  # else it is shown as it came
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} … ({cut or f'{len(body)} bytes'})"
    return "\n".join([*lines, "", text] if text else lines)


def _matrix(report: Report) -> Html:
    """A row for each promise that was checked, or that an answer happened to break."""
    checked = {(o.promise, o.operation): o for o in report.outcomes}
    broken = {(f.promise, f.operation): f for f in report.findings}
    keys = dict.fromkeys([*checked, *broken])
    operations = list(dict.fromkeys(operation for _, operation in keys))
    names = (tag("th", tag("span", name), scope="col") for name in operations)
    top = tag("thead", tag("tr", tag("th", "promise", scope="col"), *names))
    bodies = []
    for suite in SUITES:
        rows = [
            tag(
                "tr",
                tag("th", promise, scope="row"),
                *(_cell(checked.get((promise, o)), broken.get((promise, o))) for o in operations),
            )
            for promise in dict.fromkeys(promise for promise, _ in keys)
            if suite_of(promise) == suite
        ]
        if rows:
            group = tag("th", suite, scope="rowgroup", colspan=str(len(operations) + 1))
            bodies.append(tag("tbody", tag("tr", group, class_="suite"), *rows))
    legend = ", ".join(f"{sign} {state.value}" for state, sign in _SIGNS.items())
    return tag(
        "section",
        tag("h2", "What was checked"),
        tag("p", f"{legend}; empty: no check of this promise for the operation", class_="note"),
        tag("div", tag("table", top, *bodies), class_="scroll", tabindex="0"),
    )


def _cell(outcome: Outcome | None, finding: Finding | None) -> Html:
    if outcome is not None and outcome.state is State.FAILED and outcome.findings:
        finding = finding or outcome.findings[0]
    if finding is not None:
        title = f"{finding.promise}[{finding.operation}]: failed"
        link = tag("a", _SIGNS[State.FAILED], href=f"#{finding.id}", aria_label=title)
        return tag("td", link, class_="failed", title=title)
    if outcome is None:
        return tag("td")
    reason = f" ({outcome.reason})" if outcome.reason else ""
    title = f"{outcome.id}: {outcome.state.value}{reason}"
    return tag("td", _SIGNS[outcome.state], class_=outcome.state.value, title=title)


def _footer(report: Report) -> Html:
    return tag("footer", tag("p", summary(report)))
