"""Shows a report as JUnit XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ..findings.report import Outcome, Report, State
from .console import details

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> ElementTree.Element:
    """The report as JUnit XML: a test case for each promise and operation."""
    suites: dict[str, list[Outcome]] = {}
    for outcome in report.outcomes:
        suites.setdefault(outcome.suite, []).append(outcome)
    root = ElementTree.Element("testsuites", name="sparring", time=f"{report.seconds:.3f}")
    for name, outcomes in suites.items():
        element = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"sparring.{name}",
            tests=str(len(outcomes)),
            failures=str(sum(bool(o.findings) for o in outcomes)),
            errors=str(sum(o.state is State.ERROR and not o.findings for o in outcomes)),
            skipped=str(sum(_is_skipped(o) for o in outcomes)),
            time=f"{sum(o.seconds for o in outcomes):.3f}",
        )
        for outcome in outcomes:
            _case(element, outcome)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    return root


def _is_skipped(outcome: Outcome) -> bool:
    return outcome.state in (State.SKIPPED, State.BLOCKED) and not outcome.findings


def _case(parent: ElementTree.Element, outcome: Outcome) -> None:
    case = ElementTree.SubElement(
        parent,
        "testcase",
        classname=f"sparring.{outcome.suite}.{outcome.promise}",
        name=_clean(outcome.operation),
        time=f"{outcome.seconds:.3f}",
    )
    if outcome.findings:
        first = outcome.findings[0]
        text = "\n\n".join("\n".join([f.message, *details(f)]) for f in outcome.findings)
        message = f"{first.message} Expected {first.expected}; seen {first.seen}"
        failure = ElementTree.SubElement(
            case, "failure", type=first.promise, message=_clean(message[:500])
        )
        failure.text = _clean(text)
    elif outcome.state is State.ERROR:
        ElementTree.SubElement(case, "error", message=_clean(outcome.reason))
    elif _is_skipped(outcome):
        ElementTree.SubElement(case, "skipped", message=_clean(outcome.reason))


def _clean(text: str) -> str:
    """Text without what XML can't say."""
    return _NOT_XML.sub("\ufffd", text)


def render(report: Report) -> str:
    """The report as the text of a JUnit XML file."""
    root = junit(report)
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )
