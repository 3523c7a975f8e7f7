"""Shows a report as an Arazzo 1.0.1 description: a session's life, and a workflow a finding."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.spec import pointers
from sparring.spec.document import Document
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Finding

from ..comparing import entity_properties
from ..report import Report
from ..target_file import TargetFile
from .arazzo_life import life
from .arazzo_steps import SOURCE, Steps, given

Criterion = dict[str, str]
_STATUS = re.compile(r"\b(no |not )?([1-5])(\d\d|xx)\b", re.IGNORECASE)
_READ_BACK = frozenset({"create.read_back", "update.read_back"})


def render(report: Report) -> str:
    """The report as the text of an Arazzo description, in JSON."""
    found = [workflow for f in report.findings if (workflow := _workflow(report, f))]
    for index, workflow in enumerate(found):
        count = sum(other["workflowId"] == workflow["workflowId"] for other in found[:index])
        workflow["workflowId"] += f"_{count + 1}" if count else ""
    left = [f.id for f in report.findings if not _workflow(report, f)]
    text = f"What was found at {report.url}: a workflow fails at the step that shows its finding."
    if left:
        text += f" Without one, as they call what no operation is: {', '.join(left)}."
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
    exchanges, criteria = _judged(report, finding)
    steps = Steps(report.document, report.url)
    for index, exchange in enumerate(exchanges):
        last = index == len(exchanges) - 1
        wanted = criteria if last and criteria else [_equal(exchange.response.status)]
        step = steps.add(exchange.request, wanted)
        if step is None:
            return None
        for number, (expression, value) in enumerate(given(exchanges, index), 1):
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
        shown = [n for n, e in enumerate(exchanges) if e.response.status == status]
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


def _read_back(report: Report, exchanges: Sequence[Exchange]) -> list[Criterion]:
    """That what was written last is read, for plain values; nothing where all of that was."""
    document = report.document
    steps = Steps(document, report.url)
    written: Mapping[str, Any] | None = None
    for exchange in exchanges[:-1]:
        body = exchange.request.body
        try:
            sent = json.loads(body) if body else None
        except ValueError:
            continue
        if isinstance(sent, dict) and exchange.request.method in ("POST", "PUT", "PATCH"):
            written = sent
    found = steps.operation(exchanges[-1].request)
    if written is None or found is None or found[0].binding is None:
        return []
    operation = found[0]
    entity = operation.binding.entity if operation.binding else ()
    declared = entity_properties(document, operation)
    read = pointers.first(exchanges[-1].response.json(), entity)
    plain = {n: v for n, v in written.items() if n in declared and _is_plain(v)}
    if not isinstance(read, dict) or all(read.get(name) == v for name, v in plain.items()):
        return []
    return [
        {"condition": f"$response.body#{pointers.join((*entity, name))} == {_literal(value)}"}
        for name, value in plain.items()
    ]


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return (
            re.fullmatch(r"[\w .,:;!?-]*", value, re.ASCII) is not None and value == value.strip()
        )
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)
