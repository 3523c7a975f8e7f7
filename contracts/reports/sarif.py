"""Shows a report as SARIF 2.1.0: rules are promises, results are causes."""

from __future__ import annotations

import json
from typing import Any

from sparring import __version__
from sparring.spec.finding import Severity
from sparring.spec.meaning.promises import REGISTRY

from ..findings.baseline import Entry
from ..findings.report import Cause, Report
from .places import uri
from .values import plain

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.CRITICAL: "error", Severity.MAJOR: "error", Severity.MINOR: "warning"}
_ASIDE = ("id", "message", "promise", "file", "line")  # what a result says in SARIF's own words


def render(report: Report) -> str:
    """The report as the text of a SARIF file; accepted findings are suppressed results."""
    accepted = report.accepted_causes
    causes = [*report.causes, *(cause for cause, _ in accepted)]
    checked = [o.promise for o in report.outcomes if o.promise in REGISTRY]
    rules = list(dict.fromkeys([*checked, *(cause.finding.promise for cause in causes)]))
    results = [_result(cause, rules) for cause in report.causes]
    results += [_result(cause, rules, entry) for cause, entry in accepted]
    driver = {
        "name": "sparring",
        "version": __version__,
        "rules": [_rule(rule, causes) for rule in rules],
    }
    invocation = {
        "executionSuccessful": report.exit_code != 4,
        "exitCode": report.exit_code,
        "toolExecutionNotifications": [
            {"level": "note", "message": {"text": note}} for note in report.notes
        ],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"target": report.url, "seed": report.seed, "requests": report.requests},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(id: str, causes: list[Cause]) -> dict[str, Any]:
    promise = REGISTRY.get(id)
    if promise is None:  # a check of Schemathesis that is no promise of ours
        sentence = next(c.finding.message for c in causes if c.finding.promise == id)
        return {"id": id, "shortDescription": {"text": sentence or id}}
    return {
        "id": id,
        "shortDescription": {"text": promise.sentence},
        "defaultConfiguration": {"level": _LEVELS[promise.severity]},
    }


def _result(cause: Cause, rules: list[str], entry: Entry | None = None) -> dict[str, Any]:
    finding = cause.finding
    text = f"{finding.message} {', '.join(cause.operations)}: expected {finding.expected}; "
    values = plain(cause)
    result: dict[str, Any] = {
        "ruleId": finding.promise,
        "ruleIndex": rules.index(finding.promise),
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{text}seen {finding.seen}"},
        "partialFingerprints": {"sparring/v1": finding.id},
        "properties": {name: value for name, value in values.items() if name not in _ASIDE},
    }
    names = [{"fullyQualifiedName": operation} for operation in cause.operations]
    location: dict[str, Any] = {"logicalLocations": names}
    if position := finding.position:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": uri(position)},
            "region": {"startLine": position.line, "startColumn": position.column},
        }
    result["locations"] = [location]
    if entry is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": entry.why}
        ]
    return result
