"""The faults that can be switched on: bugs that teams ship, seen by who knows the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One bug: its name, what happens, and which sentence of the document it breaks."""

    name: str
    category: str
    does: str
    breaks: str


# Two lines each: the name and what happens; then what it breaks.
_TABLE = """
[schema]
listed_without_take: The listed utterances lack take.
  Schema Utterance requires take.
source_is_auto: titleSource is "auto" after the assistant named the huddle.
  Schema Huddle: titleSource is none, agent or person.
last_page_without_token: The last page leaves out nextPageToken.
  PageMeta requires nextPageToken; "null on the last page and only there".
[validation]
title_limit_in_bytes: The limit of 80 is counted in UTF-8 bytes.
  "Lengths are counted in Unicode code points"; title maxLength 80.
blank_text_accepted: An utterance of white space only is accepted.
  UtteranceDraft.text pattern.
change_ignores_unknown: PATCH ignores unknown properties.
  "JSON that breaks the schema, also by an unknown property, is answered 422".
surrogate_500: A lone surrogate in a string answers 500.
  "strings with lone surrogates ... answered 400 malformed_body".
any_media_type: Any Content-Type is read as JSON.
  "application/json; another charset ... is answered 415".
[state]
metadata_replaced: PATCH drops the metadata not named.
  "metadata is merged key by key".
text_stripped: White space at both ends of a text is lost.
  text: "Stored exactly as sent, white space included".
revision_without_change: An update that changes nothing raises revision and updatedAt.
  "one that changes nothing leaves revision and updatedAt as they were".
archived_anew: Archiving an archived huddle sets a new archivedAt and revision.
  "changes nothing, neither archivedAt nor revision".
deleted_history_readable: The utterances of a deleted huddle can still be listed.
  "every operation on them answers 404".
etag_misses_changes: The ETag is made of the utterances alone.
  ETag "changes with every change of the huddle".
slot_kept_by_halt: A halted reply counts as running for ever.
  "a new utterance can be sent at once"; "at most 3 replies running".
[pages]
page_overlaps: The next page begins with the last item of the page before.
  "Items ... are seen exactly once".
ties_skipped: Items with the sort key of the last one are left out of the next page.
  "Items ... are seen exactly once"; "Equal sort keys are ordered by huddleId".
token_of_other_filters: A page token is accepted with other filters or another order.
  "used with others, or damaged, it is answered 400 bad_page_token".
backward_ascending: Pages read backward hold the right utterances, oldest first.
  "backward (newest first)".
filter_behind_page: The speaker filter is applied to the page already cut.
  "totalCount counts all items that match the filters"; pageSize.
[stream]
buffered: All events are sent when the reply has ended.
  "one piece for each word, sent as soon as it is spoken".
halted_without_end: A halted stream ends without its final event.
  "then exactly one of closed, halted, failed".
resume_repeats: Resuming repeats the event named by Last-Event-ID.
  "Sends the events of the present take after the one named".
line_feed_raw: A line feed in a piece is written raw into the data line.
  "data (one line of JSON)"; SSE framing.
last_piece_missing: The last piece is not sent.
  "The pieces' texts, put together, are the reply's final text".
hang_up_halts: A client that hangs up halts the reply.
  "A client that hangs up does not stop the reply".
[security]
halt_by_others: Anybody can halt another person's reply.
  "addressing it is answered 404".
foreign_huddle_403: Another person's huddle answers 403.
  "answered 404 exactly as if it did not exist".
key_with_tail_accepted: A valid key with anything appended is accepted.
  "Keys are compared exactly".
keys_of_everyone: Idempotency keys are shared by all people.
  "Keys are separate for each person and operation".
[races]
two_replies_at_once: Two utterances sent at once are both taken.
  "One reply runs at a time in a huddle; of several requests at once one is taken".
update_race: Two updates at once with the same If-Match both succeed.
  "exactly one succeeds".
idempotency_race: Creations at once with one Idempotency-Key make several huddles.
  "a repeated request with an equal JSON body gets the first answer again".
"""


def _read() -> Iterator[Fault]:
    category = ""
    lines = iter(_TABLE.splitlines())
    for line in lines:
        if line.startswith("["):
            category = line.strip("[]")
        elif line:
            name, _, does = line.partition(": ")
            yield Fault(name, category, does, next(lines).strip())


FAULTS = {fault.name: fault for fault in _read()}
"""Every fault by its name."""
