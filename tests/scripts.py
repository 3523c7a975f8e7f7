"""Generated scripts, and texts that are said to them."""

import json
from typing import Any

from hypothesis import strategies as st

from sparring.fixtures.script import Script, compile_script
from sparring.spec.text.source import parse

WORDS = ("refund", "order", "yes", "no", "rye", "naïve", "天気", "🙂", "hello", "AB1234")
SAID = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
TEXT = st.one_of(
    PLAIN.filter(lambda text: "{{" not in text),
    st.sampled_from(["{{ user.text }}!", "{{ turn }}", "{{ vars.count | default('none') }} left"]),
)
CHUNK = st.sampled_from(["word", "char", "token", "token(1)", "token(7)"])
DURATION = st.sampled_from(["0ms", "5ms", "1.5s"])
CONDITION: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.sampled_from(WORDS),
        st.sampled_from(WORDS).map(lambda word: {"contains": word}),
        st.just({"regex": "(?P<id>[A-Z]{2}\\d{4})"}),
        st.just({"yes_no": True}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any_of": parts}),
        inner.map(lambda condition: {"not": condition}),
    ),
    max_leaves=4,
)
STEP = st.one_of(
    st.builds(lambda t, c: {"say": t, "chunk": c}, TEXT, CHUNK),
    st.builds(lambda d: {"status": {"state": "thinking", "for": d}}, DURATION),
    st.builds(lambda d: {"wait": d}, DURATION),
    st.builds(lambda t: {"suggest": [t]}, TEXT),
    st.builds(
        lambda t, s: {"tool_call": {"name": "f", "arguments": {"q": t}, "stream_arguments": s}},
        TEXT,
        st.booleans(),
    ),
    st.builds(lambda n: {"set": {"count": n}}, st.integers(0, 9)),
    st.builds(lambda t: {"event": {"event": "note", "data": {"text": t}}}, TEXT),
)
REPLY = st.lists(STEP, min_size=1, max_size=4)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Scripts with rules that run out, so that none hides another; some with a flow."""
    rules = [
        {"id": f"r{n}", "user": draw(CONDITION), "times": n + 1, "reply": draw(REPLY)}
        for n in range(draw(st.integers(1, 4)))
    ]
    tree: dict[str, Any] = {
        "pace": {"ttft": draw(DURATION), "rate": "50/s", "jitter": 0.5},
        "vars": {"count": 3},
        "rules": rules,
        "fallback": draw(REPLY),
    }
    if draw(st.booleans()):
        branches = [{"when": "turn > 2", "goto": "last"}, {"else": "second"}]
        first, second = draw(CONDITION), draw(CONDITION)
        tree["flow"] = [
            {"id": "first", "user": first, "reply": draw(REPLY), "next": branches},
            {"id": "second", "user": second, "set": {"count": 7}, "reply": draw(REPLY)},
            {"id": "last", "reply": draw(REPLY), "end": True},
        ]
    return compile_script(parse(json.dumps(tree).encode(), "s.json"))
