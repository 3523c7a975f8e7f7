"""Shows a report as an Arazzo 1.0.1 description: a session's life, and a workflow a finding."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Finding
from sparring.spec.openapi.document import Document

from ..driving.attributes import entity_properties
from ..findings.report import Report
from ..target.file import TargetFile
from .arazzo_life import life
from .arazzo_steps import SOURCE, Steps, given

Criterion = dict[str, str]
_STATUS = re.compile(r"\b(no |not )?([1-5])(\d\d|xx)\b", re.IGNORECASE)
_OTHERS = frozenset({"accept", "content-type", "if-match", "last-event-id"})
_READ_BACK = frozenset({"create.read_back", "update.read_back"})


def render(report: Report) -> str:
    """The report as the text of an Arazzo description, in JSON."""
    found: list[dict[str, Any]] = []
    left: list[str] = []
    counts: Counter[str] = Counter()
    for finding in report.findings:
        workflow = _workflow(report, finding)
        if workflow is None:
            left.append(finding.id)
            continue
        counts[finding.id] += 1
        if (count := counts[finding.id]) > 1:
            workflow["workflowId"] += f"_{count}"
        found.append(workflow)
    text = f"What was found at {report.url}: a workflow fails at the step that shows its finding."
    if left:
        text += f" Without one, as they call what no operation is: {', '.join(left)}."
    early = [note for note in report.notes if report.stopped and note.startswith(report.stopped)]
    text = " ".join([text, *early])
    return description(report.document, [life(report.document), *found], text)


def write_life(document: Document, file: Path, target: TargetFile | None = None) -> None:
    """Writes the life of a session as an Arazzo description beside its document. Raises OSError."""
    source = Path(document.source.name).resolve()
    try:
        url = Path(os.path.relpath(source, file.resolve().parent)).as_posix()
    except ValueError:  # on another drive
        url = source.as_posix()
    text = "The life of a session: made, read, talked in, listed, deleted."
    file.write_text(description(document, [life(document, target)], text, url), encoding="utf-8")


def description(
    document: Document, workflows: Sequence[Mapping[str, Any]], text: str, url: str = ""
) -> str:
    """An Arazzo description of workflows over a document."""
    tree = {
        "arazzo": "1.0.1",
        "info": {
            "title": f"{document.title or 'A sessions API'}: workflows",
            "version": "1.0.0",
            "description": text,
        },
        "sourceDescriptions": [
            {
                "name": SOURCE,
                "url": url or Path(document.source.name).resolve().as_posix(),
                "type": "openapi",
            }
        ],
        "workflows": list(workflows),
    }
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _workflow(report: Report, finding: Finding) -> dict[str, Any] | None:
    """The sequence of a finding up to the step that shows it; None where that can't be said."""
    if finding.concurrent:
        return None  # the steps of a workflow come one after the other
    exchanges, criteria = _judged(report, finding)
    steps = Steps(report.document, report.url)
    owner = _owner(exchanges)
    for index, exchange in enumerate(exchanges):
        values = list(given(exchanges, index))
        wanted = [_equal(exchange.response.status)]
        if index == len(exchanges) - 1:
            wanted = criteria or wanted
        elif not values and (exchange.request.method == "GET" or _keys(exchange) != owner):
            wanted = [{"condition": "$statusCode >= 100"}]  # nothing that follows hangs on it
        step = steps.add(exchange.request, wanted)
        if step is None:
            return None
        for number, (expression, value) in enumerate(values, 1):
            steps.give(step, f"id{number}", expression, value)
    if not steps.found:
        return None
    judged = bool(criteria)
    text = f"Expected: {finding.expected}. Seen: {finding.seen}."
    if not judged:
        text += " No criterion can tell that: compare the answers yourself."
    return {
        "workflowId": re.sub(r"[^A-Za-z0-9_-]", "_", finding.id),
        "summary": finding.message,
        "description": text,
        "x-sparring": {"finding": finding.id, "operation": finding.operation, "judged": judged},
        "steps": steps.found,
    }


def _equal(status: int) -> Criterion:
    return {"condition": f"$statusCode == {status}"}


def _judged(report: Report, finding: Finding) -> tuple[Sequence[Exchange], list[Criterion]]:
    """The exchanges up to the one that shows a finding, and what it breaks: a criterion that the
    answer of then fails, and none where there is no such."""
    exchanges = finding.exchanges
    statuses = _statuses(finding.expected)
    if statuses is not None and (
        said := re.match(r"(?:the undeclared .*?)?(\d{3})\b", finding.seen)
    ):
        status = int(said[1])
        shown = _showing(report, finding, status)
        if shown and not _holds(statuses, status):
            return exchanges[: shown[-1] + 1], [{"condition": statuses}]
    if finding.promise in _READ_BACK and exchanges:
        read = _read_back(report, exchanges)
        if read:
            return exchanges, [_equal(exchanges[-1].response.status), *read]
    return exchanges, []


def _statuses(expected: str) -> str | None:
    """The condition on the status that a text such as `a 401 or 403` makes; None without one."""
    wanted, unwanted = [], []
    for negated, first, rest in _STATUS.findall(expected):
        if negated:
            unwanted.append(f"$statusCode != {first}{rest}")
        elif rest.lower() == "xx":
            wanted.append(f"$statusCode >= {first}00 && $statusCode < {int(first) + 1}00")
        else:
            wanted.append(f"$statusCode == {first}{rest}")
    if re.search(r"\bsuccess\b", expected):
        wanted.append("$statusCode >= 200 && $statusCode < 300")
    if wanted:
        return " || ".join(dict.fromkeys(wanted))
    return " && ".join(unwanted) or None


def _holds(condition: str, status: int) -> bool:
    """Whether a status fulfils such a condition."""

    def one(text: str) -> bool:
        _, sign, value = text.split()
        number = int(value)
        return {
            "==": status == number,
            "!=": status != number,
            ">=": status >= number,
            "<": status < number,
        }[sign]

    return any(all(map(one, part.split(" && "))) for part in condition.split(" || "))


def _showing(report: Report, finding: Finding, status: int) -> list[int]:
    """The exchanges that may show a finding: of this status and, if there are such, of its
    operation and, where it speaks of owners, by another caller."""
    steps = Steps(report.document, report.url)
    owner = _owner(finding.exchanges)
    shown = [n for n, e in enumerate(finding.exchanges) if e.response.status == status]
    calls = {n: steps.operation(finding.exchanges[n].request) for n in shown}
    mine = [n for n in shown if (c := calls[n]) and c[0].label == finding.operation] or shown
    others = [n for n in mine if _keys(finding.exchanges[n]) != owner]
    return others or mine if finding.suite == "security" else mine


def _owner(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """The credentials that most of the requests carry."""
    return max(counts, key=counts.__getitem__) if (counts := Counter(map(_keys, exchanges))) else ()


def _keys(exchange: Exchange) -> tuple[str, ...]:
    headers = exchange.request.headers.items()
    return tuple(value for name, value in headers if name.lower() not in _OTHERS)


def _read_back(report: Report, exchanges: Sequence[Exchange]) -> list[Criterion]:
    """That what was written last is read, as far as criteria can say it; nothing where it was."""
    steps = Steps(report.document, report.url)
    written: Mapping[str, Any] | None = None
    for exchange in exchanges[:-1]:
        request = exchange.request
        if request.method in ("POST", "PUT", "PATCH") and request.body:
            with suppress(ValueError):
                sent = json.loads(request.body)
                written = sent if isinstance(sent, dict) else written
    found = steps.operation(exchanges[-1].request)
    if written is None or found is None or (binding := found[0].binding) is None:
        return []
    declared = entity_properties(report.document, found[0])
    read = pointers.first(exchanges[-1].response.json(), binding.entity)
    timeless = {n: v for n, v in written.items() if n in declared and "format" not in declared[n]}
    leaves = list(_leaves(timeless))
    if all(pointers.first(read, path, leaves) == value for path, value in leaves):
        return []
    return [_same((*binding.entity, *path), value) for path, value in leaves]


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The texts and numbers in a value whose places every runner can name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if re.fullmatch(r"[\w-]+", name, re.ASCII):
                yield from _leaves(inner, (*path, name))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, value


def _same(path: tuple[str, ...], value: Any) -> Criterion:
    """That a place of the answer has this text, every character of it, or this number."""
    place = f"$response.body#{pointers.join(path)}"
    if not isinstance(value, str):
        return {"condition": f"{place} == {json.dumps(value)}"}
    if not value:
        return {"condition": f"{place} == ''"}
    pattern = "".join(c if c.isalnum() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}" for c in value)
    return {"context": place, "condition": f"^{pattern}(?![\\s\\S])", "type": "regex"}
