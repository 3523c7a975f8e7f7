"""The faults that can be switched on: bugs that teams ship, seen by who knows the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One bug: its name, what happens, and which sentence of the document or an RFC it breaks."""

    name: str
    category: str
    does: str
    breaks: str


# Two lines each: the name and what happens; then what it breaks.
_TABLE = """
[response]
create_answers_200: Creating a thread answers 200.
  POST /v1/threads declares 201 and no 200.
count_is_text_in_list: In the list of threads message_count is a string.
  Schema Thread: message_count is an integer.
usage_missing_in_single: A single message has no usage.
  Schema Message requires usage; "exactly as in the history".
patch_time_without_zone: The answer of PATCH has updated_at without Z.
  format date-time; "RFC 3339 in UTC with a trailing Z".
message_404_other_shape: An unknown message answers 404 with {detail}.
  "All errors have the shape of Problem".
[validation]
subject_121_accepted: A subject of 121 characters is accepted.
  ThreadCreate/ThreadUpdate: subject maxLength 120.
blank_text_accepted: A text of blanks only is accepted.
  MessageCreate.text pattern; "must have a character other than space, tab and line break".
patch_unknown_member_accepted: PATCH ignores unknown members (and takes an empty object).
  "Members which are not in the schema are rejected with 422"; minProperties 1.
stream_flag_coerced: stream may be "true"/"false"/0/1.
  MessageCreate.stream is a boolean.
labels_merge_over_8: PATCH counts only the labels sent, so a thread gets more than 8.
  "More than 8 labels after the merge answer 422"; Labels maxProperties 8.
unknown_assistant_accepted: A thread may be made with an assistant which does not exist.
  "An assistant_id which does not exist answers 422".
text_limit_in_bytes: The limit of 4000 is counted in UTF-8 bytes.
  "Lengths are counted in Unicode characters"; maxLength 4000.
malformed_json_500: A body which is no JSON answers 500.
  "A body which is not valid JSON answers 400".
[state]
patch_replaces_labels: PATCH of labels drops the labels not named.
  "labels not named stay".
null_subject_ignored: PATCH with subject null keeps the old subject.
  "subject: null clears the subject".
deleted_history_readable: The history of a deleted thread still answers 200.
  "every later request for the thread or its messages answers 404".
updated_at_ignores_messages: A message does not move updated_at.
  updated_at "moves forward with each update and with each message".
count_misses_streamed_reply: message_count leaves out replies which were streamed.
  message_count: "number of messages in the history, of both roles".
patch_moves_created_at: PATCH sets created_at to now.
  "created_at never changes".
labels_shared: Threads made without labels share one labels object.
  "Free labels of your own. They belong to this thread alone"; defaults {}.
archived_takes_streams: An archived thread takes messages with stream: true.
  "An archived thread answers 409 thread_archived and nothing is stored".
[listing]
default_limit_10: Without limit a page of threads has 10 entries.
  limit default 20.
limit_clamped: A limit over the maximum is cut to the maximum.
  "Values outside of 1 to 50 (100) answer 400".
page_skips_one: The next page leaves out one entry.
  "Walking all pages gives every matching thread exactly once".
cursor_drops_filter: From the second page on the filters are ignored.
  filters of GET /v1/threads and role of the history.
cursor_on_full_last_page: A last page which is full has a next_cursor.
  next_cursor: "null exactly when there is nothing more".
total_of_page_only: total counts the entries of the page.
  total: "on all pages together".
ordered_by_updated: Threads are ordered by updated_at.
  "Ordered by created_at, newest first unless order=oldest".
archived_false_ignored: archived=false filters nothing.
  "only unarchived (false) threads".
[talk]
role_filter_turns_order: With a role filter the history is in the wrong order.
  "oldest first unless order=newest".
text_trimmed: Blanks at both ends of a text are lost.
  text: "stored exactly as sent".
recap_of_other_threads: recap repeats texts of the user's other threads.
  "the texts of all earlier user messages of this thread".
message_ids_per_thread: Message ids are counted per thread, so two threads have the same ids.
  Message.id: "unique over all threads and never reused".
tool_calls_not_stored: The tool calls of a reply are missing in the history.
  "that message is the one found in the history"; "messages never change".
message_under_any_thread: A message is found under any thread of the user.
  "A message of another thread answers 404".
[stream]
last_delta_missing: The last delta is not sent.
  "The deltas joined are the text of the message in reply.done".
no_done_after_tool: A stream with a tool call ends without reply.done.
  "as the last event exactly one of reply.done or reply.error".
stream_buffered: All events come at once at the end.
  "Events are sent as they arise, about 40 ms apart, not collected till the end".
stream_as_text_plain: The content type of the stream is text/plain.
  200 declares text/event-stream.
seq_repeats_at_text: All deltas have the same seq.
  "seq starts at 0 and rises by one from event to event".
seq_repeats_at_tool: tool.called and tool.finished have the same seq.
  "seq starts at 0 and rises by one from event to event".
raw_line_break_in_data: A line break in a text is written raw into the data line.
  "one data line holding a JSON object"; SSE framing.
streamed_reply_stored_cut: The history has a streamed reply without its last piece.
  "that message is the one found in the history".
done_after_error: After reply.error comes a reply.done.
  "as the last event exactly one of reply.done or reply.error".
[security]
history_of_other_user: The history of another user's thread can be read.
  "a thread of another user answers 404 on every path".
delete_of_other_user: Another user's thread can be deleted.
  "a thread of another user answers 404 on every path".
q_leaks_other_users: The list with q holds threads of other users.
  "never appears in a list or a total".
single_message_without_key: A single message can be read without a key.
  "Every call except GET /v1/health needs an API key".
key_with_tail_accepted: A valid key with anything appended is accepted.
  "unknown key answers 401".
foreign_patch_403: PATCH of another user's thread answers 403.
  "answers 404 on every path, exactly as if it did not exist".
read_only_key_patches: A read-only key may PATCH.
  "every POST, PATCH or DELETE with a read-only key answers 403 and changes nothing".
[protocol]
etag_stale_after_message: The ETag does not change with a message.
  ETag "changes whenever anything in the thread changes, also with each message".
if_match_ignored_on_delete: DELETE ignores If-Match.
  "only if it holds the current ETag, otherwise 412 and nothing is changed".
if_none_match_any: Any If-None-Match gives 304.
  "When it holds the current ETag, the answer is 304".
idempotent_message_twice: A repeated message with the same key is posted again.
  "returns the first response again ... and changes nothing".
idempotency_conflict_ignored: The same key with another body returns the first response.
  "The same key with another body answers 409 idempotency_conflict".
[races]
concurrent_posts_lose_messages: Of concurrent posts to a thread only one's messages survive.
  "Several calls for one thread at the same time are all accepted".
concurrent_posts_interleave: Concurrent posts to a thread mix their messages.
  "the answer directly after the message it answers"; "one after the other".
concurrent_create_same_id: Threads created at the same time get the same id.
  Thread.id: "unique and never reused".
idempotency_race: Concurrent creates with one Idempotency-Key make several threads.
  "also when the repeat arrives while the first call is still being worked on".
if_match_race: Two concurrent PATCH with the same If-Match both succeed.
  If-Match: "only if it holds the current ETag ... otherwise 412".
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
