"""A starter overlay: what is inferred of a document, for its author to correct."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..openapi.document import Document
from .meaning import DOUBTFUL, INFERRED, Meaning

_HEAD = """\
# What sparring infers of {name}. Correct what is wrong, then: sparring serve {name} --overlay FILE
# A role that is wrong: replace it, or say `role: none`. What is commented out is doubtful.
overlay: 1.0.0
info: {{title: {title}, version: 1.0.0}}
actions:
"""


def write_overlay(document: Document, file: Path) -> int:
    """Writes every inferred meaning as an action of an overlay, the doubtful ones commented out.

    Returns how many there are.
    """
    actions = list(_actions(document))
    title = yaml.safe_dump(f"Meaning of {document.title}", width=1000).strip().removesuffix("...")
    head = _HEAD.format(name=Path(document.source.name).name, title=title.strip())
    if not any(live for live, _ in actions):
        head = head.removesuffix("actions:\n") + "actions:  # an overlay needs at least one\n"
    text = "\n".join(text for _, text in actions)
    file.write_text(f"{head}{text}\n", encoding="utf-8")
    return len(actions)


def _actions(document: Document) -> Iterator[tuple[bool, str]]:
    for meaning in document.meanings:
        if meaning.source == INFERRED and meaning.role is not None:
            live = meaning.confidence >= DOUBTFUL
            lines = _action(meaning).splitlines()
            told = f"# {meaning.confidence:.2f}: {meaning.reason}"
            yield live, "\n".join(f"  {line}" if live else f"  # {line}" for line in (told, *lines))


def _action(meaning: Meaning) -> str:
    steps = "".join(f"['{_escaped(str(token))}']" for token in meaning.operation.pointer)
    block = _flow({**meaning.block, "role": meaning.role.value if meaning.role else "none"})
    return f'- target: "${steps}"\n  update: {{x-session: {block}}}'


def _escaped(token: str) -> str:
    return token.replace("\\", "\\\\\\\\").replace("'", "\\\\'").replace('"', '\\"')


def _flow(block: dict[str, Any]) -> str:
    """YAML in one line, the role first."""
    ordered = {"role": block["role"], **block}
    text = yaml.safe_dump(ordered, default_flow_style=True, sort_keys=False, width=100_000)
    return str(text).strip()


def listed(document: Document) -> list[dict[str, Any]]:
    """Every operation with its role (null where it has none), in document order."""
    return [
        {
            "method": meaning.operation.method,
            "path": meaning.operation.path.removeprefix(meaning.operation.base_path),
            "role": meaning.role.value if meaning.role else None,
            "source": meaning.source,
            "confidence": meaning.confidence,
            "reason": meaning.reason,
            "bindings": {k: v for k, v in meaning.block.items() if k != "role"},
        }
        for meaning in document.meanings
    ]
