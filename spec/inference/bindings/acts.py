"""Finds what an act does to a session or to a run, and where its request says of what."""

from __future__ import annotations

from typing import Any

from sparring.spec import pointers

from .inputs import call_id, input_block, tool_block
from .names import flat, pick, ranked, split, words
from .schemas import Schema
from .subjects import Api, Subject

Block = dict[str, Any]

_EFFECTS = {
    "cancel": words("cancel stop abort interrupt terminate kill halt cancellation stopped"),
    "regenerate": words("regenerate regenerated regeneration retry resend reroll reanswer"),
    "fork": words("fork copy clone branch duplicate"),
    "edit": words("edit amend"),
    "approve": words(
        "approve approval approvals confirm confirmation confirmations permission permissions "
        "authorize authorization reject deny decline disapprove decision decisions"
    ),
    "answer": words("submit answer continue resume respond tooloutputs outputs results"),
}
_SETTINGS = words("policy policies settings setting mode config configuration rules preferences")
_REPLIES = words("respond reply answer resolve submit decide grant review")
_NO = words("reject rejected deny denied decline declined disapprove disapproved no refuse refused")
_YES = words(
    "approve approved accept accepted allow allowed confirm confirmed yes once always grant granted"
)
_SAYS = ranked(
    "approved approve isapproved allowed allow accepted accept confirmed confirm granted grant "
    "decision response action verdict choice answer permission reply status result"
)


def act_block(api: Api, subject: Subject, target: str | None) -> Block:
    """The effect of an act and, after one with which the agent goes on, what it is told."""
    effect = _effect(subject)
    block: Block = {"effect": effect}
    if effect == "approve":
        if decision := _decision(api, subject):
            block["decision"] = decision
        members = api.requests.members(subject.request) if subject.request is not None else {}
        if (call := call_id(members)) is not None:
            block["tool"] = {"call": pointers.join((call,))}
    elif tool := tool_block(api, subject):
        block |= {"tool": tool, "effect": "answer"}
    if effect == "edit":
        block |= {k: v for k, v in input_block(api, subject).items() if k == "input"}
    if subject.resource == "session" and effect in ("regenerate", "edit", "approve"):
        target = _named(subject) if target is None and "tool" not in block else target
        if target is not None:
            block["target"] = target
    return block


def _effect(subject: Subject) -> str:
    """What an act does, by the last word of its path, else by its operation's name."""
    literals = [part for part in subject.segments if not part.startswith("{")]
    last = split(literals[-1]) if literals else ()
    above = {word for literal in literals[-2:-1] for word in split(literal)}
    if above & _EFFECTS["approve"] and set(last) & _REPLIES:
        return "approve"
    for said in (last, split(subject.operation.id)):
        for effect, names in _EFFECTS.items():
            known = names & set(said)
            if effect == "answer":
                known = known if subject.operation.body else frozenset()
            if known and not (effect == "approve" and set(said) & _SETTINGS):
                return effect
    return "none"


def _named(subject: Subject) -> str | None:
    """What the path names behind the session."""
    return f"$request.path.{subject.holders[-1][0]}" if len(subject.holders) > 1 else None


def _decision(api: Api, subject: Subject) -> Block:
    """Where a request says yes or no, and the words for that; nothing where its path says yes."""
    said = {word for literal in subject.literals[-1:] for word in split(literal)}
    default: Block = {"default": False} if said & _NO else {}
    members = api.requests.members(subject.request) if subject.request is not None else {}
    key = pick(members, _SAYS)
    if key is None or default:
        return default
    place = f"$request.body#{pointers.join((key,))}"
    types = api.requests.types(members[key])
    if "boolean" in types:
        return {"at": place}
    return {"at": place, **_words(api, members[key])} if "string" in types else {}


def _words(api: Api, schema: Schema) -> Block:
    listed = [word for word in api.requests.words(schema) if isinstance(word, str)]
    found = {
        "approved": [word for word in listed if set(split(word)) & _YES and not _says_no(word)],
        "denied": [word for word in listed if _says_no(word)],
    }
    if not listed:
        found["denied"] = sorted(_NO)
    return {name: words for name, words in found.items() if words}


def _says_no(word: str) -> bool:
    return bool({*split(word), flat(word)} & _NO)
