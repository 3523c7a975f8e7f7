"""One reply gives the JSON answer, the history row, the events and the stream alike."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sparring.spec.streams.sse import ServerEvent

ODD = [
    "\n",
    "\r",
    "\r\n",
    " ",
    "data: ",
    ":",
    "id: 7",
    "\u2028",
    "\x85",
    "é",
    "हि",
    "👩\u200d💻",
    "{{",
]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
    st.lists(st.sampled_from(ODD), min_size=1, max_size=40).map("".join),
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(text=TEXTS)
@example("\r\n\r\ndata: {}\n\n")
@example("{{ user.text }} {{ session.id }}")
@example("\x00\x1f\x7f\ufeff\ufffe\uffff")
def test_stream_answer_history_and_events_tell_the_same_text(
    alice: httpx2.Client,
    open_session: Callable[..., str],
    say: Callable[..., Any],
    stream: Callable[..., Iterator[ServerEvent]],
    text: str,
) -> None:
    path = open_session(alice)
    spoken = say(alice, path, text)["messages"]
    events = list(stream(alice, path, text))
    chunks = [json.loads(e.data)["text"] for e in events if e.event == "chunk"]
    whole = [json.loads(e.data)["data"] for e in events if e.event == "message"]
    rows = alice.get(f"{path}/history").json()["items"]
    stored = alice.get(f"{path}/events?types=message").json()["items"]
    reply = "".join(chunks)
    assert [message["content"] for message in spoken] == [reply]
    assert [data["content"] for data in whole] == [text, reply]
    assert [row["content"] for row in rows] == [text, reply] * 2
    assert [event["data"]["content"] for event in stored] == [text, reply] * 2
    assert all(chunks), "no piece is empty"
    assert reply == f"You said: {text}" or reply in (
        "Hello! How can I help?",
        "It is sunny in SF.",
    )
