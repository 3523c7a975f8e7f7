"""The faults that the server can have: bugs that teams ship, seen by who knows the document."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One bug: its name, what happens, and which sentence of the document or an RFC it breaks."""

    name: str
    sentence: str
    breaks: str

    @property
    def category(self) -> str:
        return self.name.split(".")[0]


# Two lines each: the name and what happens; then what it breaks.
_TEXT = """
schema.milliseconds: lastMessageAt is in milliseconds
  All times are whole seconds since the epoch.
schema.null-left-out: a thread without a title has no `title`
  Thread: `title` is required.
schema.count-as-text: messageCount is a string
  Thread: `messageCount` is an integer.
schema.word-of-status: an archived thread says "Archived"
  ThreadStatus: active or archived.
schema.action-stays: a completed run still shows the tool calls that it waited for
  Run.requiredAction: null unless the run is `requiresAction`.
schema.arguments-as-text: the arguments of a tool call are JSON in a string
  ToolCall: `arguments` is an object.
schema.usage-sum: totalTokens leaves out the input
  Run.usage.totalTokens: the sum of the two.
schema.empty-list-null: an empty page has `data: null`
  ThreadPage, RunPage, MessagePage: `data` is an array.
schema.undeclared-in-list: threads in the list have an internal field, `ownerId`
  Thread: additionalProperties is false.
schema.error-shape: a 404 is `{"detail": ...}`
  ErrorResponse: the details stand under `error`.
input.any-media-type: JSON is read from a body of any media type
  415: the body must be `application/json`.
input.bad-cursor-fails: a cursor that cannot be read is a 500
  cursor: anything else is a 422.
input.bad-cursor-ignored: a cursor that cannot be read begins again at the first page
  cursor: anything else is a 422.
input.empty-change-taken: an update with an empty object is taken
  ThreadChanges: minProperties is 1.
input.empty-text-taken: an empty input or content is taken
  Text: minLength is 1.
input.limit-unbounded: a limit of more than 100 is taken
  limit: the maximum is 100.
input.long-title-cut: a title that is too long is cut and stored
  Title: maxLength is 120.
input.malformed-fails: a body that is not JSON is a 500
  400: the body is not JSON.
input.mass-assignment: an update sets `status` and `revision`, which it does not have
  ThreadChanges: additionalProperties is false.
input.metadata-grows: updates can bring metadata above 16 keys
  Metadata: maxProperties is 16.
input.null-fails: a null where there may be none is a 500
  422: the request does not fit this document.
input.numbers-from-text: a temperature given as a string is taken
  Settings: `temperature` is a number.
input.param-unnamed: `error.param` has the innermost name only
  error.param names the field, with a dot before each inner name.
input.title-in-bytes: the length of a title is counted in bytes
  Title: maxLength is 120, and JSON Schema counts characters.
input.unknown-ignored: properties that are not declared are ignored
  additionalProperties is false in all bodies.
state.big-integers-drift: integers in the context go through a double
  Context: given back as it was sent.
state.context-merged: an update merges the context
  updateThread: `settings` and `context` are replaced as a whole.
state.created-moves: createdAt follows updatedAt
  Thread.createdAt is the time of its creation.
state.delete-takes-namesakes: deleting a thread deletes those with the same title
  deleteThread: deletes a thread.
state.deleted-still-listed: deleted threads are still listed
  deleteThread: it is gone.
state.empty-text-removes: an update drops metadata whose value is the empty string
  updateThread: a key given as null is removed; no other is.
state.expected-revision-ignored: a stale expectedRevision is overwritten
  updateThread: the change is made only when the thread still has that revision.
state.half-refused: an update that is refused for its metadata has set the title
  422: the request was refused.
state.keys-snaked: camelCase keys of the context come back in snake_case
  Context: given back as it was sent.
state.list-shows-first-title: the list goes on showing the title that it showed first
  listThreads: the threads as they are.
state.messages-outlive-thread: the messages of a deleted thread can be read
  deleteThread: afterwards everything below the thread is a 404.
state.metadata-replaced: an update replaces the metadata
  updateThread: `metadata` is merged key by key.
state.null-keeps-key: a null in the metadata of an update keeps the key
  updateThread: a key given as null is removed.
state.null-title-ignored: a title is not taken away by null
  updateThread; Title may be null.
state.nulls-dropped: keys of the context with the value null are lost
  Context: given back as it was sent.
state.read-raises-revision: reading a thread raises its revision
  revision: one more with each update, archiving or restoring that changes something.
state.restore-forgets-metadata: restoring a thread empties its metadata
  restoreThread: everything else in the thread is as it was.
state.revision-rises-on-nothing: the revision rises when nothing changes
  revision: one more with each update, archiving or restoring that changes something.
state.revision-stays-on-archive: archiving does not raise the revision
  revision: one more with each update, archiving or restoring that changes something.
state.second-archive-refused: archiving an archived thread is a 409
  archiveThread: archiving it again changes nothing.
state.shared-default: threads made without metadata share theirs
  updateThread: changes a thread.
state.stale-read: a thread that was read once is read as it was until it is archived
  getThread: the thread.
state.temperature-float32: temperatures are stored as 32-bit floats
  Thread.settings: the settings as sent.
state.text-normalised: titles and texts are brought into Unicode's form NFC
  Text is stored and given back exactly as it was sent.
state.title-reset: an update without a title takes the title away
  updateThread: what the body leaves out stays.
state.zero-is-default: a temperature of 0 becomes the default
  Thread.settings: the settings as sent.
query.archived-hidden: the list leaves out archived threads unless asked for
  listThreads: threads of either status are listed unless `status` is given.
query.boundary-repeated: a page begins with the last item of the page before
  listThreads: each matching thread once.
query.changed-goes-first: the list is in the order of the last change
  listThreads: newest first.
query.cursor-is-offset: the cursor is an offset, so that a new thread shifts the pages
  listThreads: each once, also when threads are made or deleted in between.
query.cursor-needs-its-row: the next page is empty when the last thread of the page is deleted
  listThreads: each once, also when threads are made or deleted in between.
query.filter-after-limit: the filter is applied to the page, so that matches are missed
  listThreads: following nextCursor shows each matching thread once.
query.filter-by-prefix: metadata is matched by its beginning
  metadata: exactly these values.
query.filter-lost-on-pages: the second page forgets the filter
  listThreads: following nextCursor with the same filters shows matching threads.
query.filter-without-case: metadata is matched without case
  metadata: exactly these values.
query.filters-ored: of two metadata filters one is enough
  metadata: all of these keys.
query.more-on-full-page: hasMore is true on a last page that is full
  hasMore: whether there is anything on a next page.
query.one-too-many: a page has one item more than the limit
  limit: how many at most.
query.second-page-ascends: the second page of a descending list of messages ascends
  listMessages: against the order of `sequence` with `order=desc`.
query.ties-by-id: threads of one second are ordered by their ids
  listThreads: threads made in the same second stand in the order in which they were made.
query.tools-as-assistant: `role=assistant` lists the messages of tools, too
  role: only messages of this role.
talk.archived-talks: an archived thread takes runs and messages
  archiveThread: an archived thread takes no run and no message.
talk.astral-lost: characters beyond the basic plane become U+FFFD
  Text is stored and given back exactly as it was sent.
talk.cancel-takes-question: cancelling a run removes the user's message
  cancelRun: the user's message stays.
talk.count-without-replies: messageCount counts the user's messages only
  messageCount: how many messages of any role there are.
talk.feedback-merged: new feedback without a comment keeps the old comment
  rateMessage: takes the place of earlier feedback.
talk.feedback-not-listed: feedback is shown by the message and not by the list
  rateMessage: the message shows it, wherever it is read.
talk.feedback-on-last: feedback goes to the last message of the thread
  rateMessage: the message shows it.
talk.gap-after-cancel: a cancelled run leaves a gap in the sequence
  sequence: 1, 2, 3, without a gap.
talk.html-escaped: texts are stored with & and < escaped
  Text is stored and given back exactly as it was sent.
talk.last-time-null: lastMessageAt stays null
  lastMessageAt: null when there is none.
talk.line-ends: CRLF becomes LF
  Text is stored and given back exactly as it was sent.
talk.nul-cut: a text ends at its first NUL
  Text is stored and given back exactly as it was sent.
talk.reply-to-latest-thread: of runs at one time all replies go to the thread that came last
  A thread is one conversation; message.completed has the stored message.
talk.reply-twice: after tool outputs the reply is stored twice
  createRun: lets the assistant answer; message.completed is one.
talk.run-id-missing: the reply has no runId
  Message.runId: the run in which it was said.
talk.streamed-twice: a streamed run records the user's message twice
  createRun: records `input` as a message.
talk.tool-not-recorded: tool outputs are not recorded
  submitToolOutputs: the outputs are recorded as messages of the role `tool`.
talk.trimmed: white space around a text is taken away
  Text is stored and given back exactly as it was sent.
stream.all-at-once: the pieces arrive together at the end
  EventStream: the pieces arrive as they are said.
stream.completed-differs: message.completed lacks the last full stop
  message.completed with the stored message.
stream.hang-up-kills: a run dies with the connection of its stream
  createRun: a run goes on when its caller hangs up.
stream.ids-restart: after tool outputs the event ids begin at 1 again
  EventStream: the run goes on where its ids left off.
stream.index-stays: every piece has the index 0
  index: 0, 1, 2 within the message.
stream.last-piece-missing: the last piece is not streamed
  The pieces, put together, are the content of the message.
stream.last-run-stale: the run in run.completed is still running
  EventStream: `run.completed`; Run.endedAt.
stream.long-reply-cut: of a long reply the first 20 pieces are streamed
  The pieces, put together, are the content of the message.
stream.media-type: the stream is text/plain
  EventStream: text/event-stream.
stream.names-missing: message.completed comes as `message`
  MessageEvent: `event` is message.completed.
stream.no-done-at-tool: a stream that ends for tool outputs has no `done`
  createRun: the event stream ends with `done`.
stream.only-live: following a run that has ended gives nothing but `done`
  streamRunEvents: all events of the run from its first one.
stream.other-message-id: the pieces name another message than the one that is stored
  DeltaEvent.messageId is the message of message.completed.
stream.pieces-trimmed: white space at the ends of pieces is lost
  The pieces, put together, are the content of the message.
stream.resume-ignored: Last-Event-ID is ignored
  streamRunEvents: exactly those after that one.
stream.resume-repeats: resuming repeats the last event
  streamRunEvents: exactly those after that one.
stream.resume-skips: resuming misses one event
  streamRunEvents: exactly those after that one.
run.cancelled-goes-on: a cancelled run goes on, and is completed
  cancelRun: the run is `cancelled`; it ends as completed or cancelled.
run.completed-too-early: a run is completed before its reply can be read
  getRun: when it is `completed`, its reply stands in the messages already.
run.end-time-missing: endedAt stays null
  endedAt: null until the run is completed or cancelled.
run.ended-is-cancelled: a completed run can be cancelled
  cancelRun: a run that has ended is a 409.
run.found-in-other-thread: a run can be read below another thread
  404: there is no such thing below that thread.
run.list-is-stale: the list shows every run as queued
  listRuns: the runs as they are.
run.outputs-taken-twice: a completed run takes its tool outputs again
  submitToolOutputs: a run that waits for nothing is a 409.
run.outputs-unread: the reply leaves out the tool outputs
  submitToolOutputs: the reply mentions them.
run.part-is-enough: of two tool calls one output is enough
  submitToolOutputs: one output for each call.
run.partial-completed: what a cancelled run said is marked completed
  cancelRun: kept as an `incomplete` message.
run.partial-lost: what a cancelled run said is lost
  cancelRun: what the assistant has said by then is kept.
run.resumes-as-queued: with its tool outputs a run is queued again
  queued, then running; submitToolOutputs: the run goes on.
run.second-run-taken: a thread takes a second run while one is unfinished
  createRun: a second one is a 409.
run.thread-stays-busy: after a cancelled run the thread takes no other
  cancelRun: the thread takes a new run.
run.unknown-output-taken: outputs for a call that does not exist are taken
  submitToolOutputs: none for anything else (422).
run.waiting-not-cancelled: a run that waits for tool outputs cannot be cancelled
  cancelRun: only a run that has ended is a 409.
auth.archive-others-thread: anybody can archive a thread
  A thread is private to the user whose key made it.
auth.bearer-taken: the key is taken as a bearer token, too
  securitySchemes: X-Api-Key in the header.
auth.body-before-key: without a key a bad body is a 422, so that the schema can be explored
  401: no key.
auth.cancel-others-run: anybody can cancel a run
  A thread is private to the user whose key made it.
auth.change-others-thread: anybody can change a thread
  A thread is private to the user whose key made it.
auth.delete-others-thread: anybody can delete a thread
  A thread is private to the user whose key made it.
auth.empty-key-is-alice: an empty key is the first user's
  401: no key, or one that is not known.
auth.events-without-key: the events of a run need no key
  security: apiKey.
auth.existence-oracle: another user's thread is a 403
  To every other user it does not exist.
auth.filter-leaks-users: a metadata filter finds the threads of all users
  listThreads: your threads.
auth.follow-others-run: anybody can follow the events of a run
  A thread is private to the user whose key made it.
auth.key-by-prefix: a key with something behind it is taken
  401: a key that is not known.
auth.key-in-query: the key is taken from the query, too
  securitySchemes: X-Api-Key in the header.
auth.key-without-case: a key in capitals is taken
  401: a key that is not known.
auth.list-without-key: the list of threads needs no key, and shows everybody's
  security: apiKey.
auth.rate-others-message: anybody can rate a message
  A thread is private to the user whose key made it.
auth.read-others-message: anybody can read a message
  A thread is private to the user whose key made it.
auth.read-others-messages: anybody can list the messages of a thread
  A thread is private to the user whose key made it.
auth.read-others-thread: anybody can read a thread
  A thread is private to the user whose key made it.
protocol.accept-ignored: `Accept` is ignored
  406: `Accept` leaves nothing to answer with.
protocol.created-is-200: a new thread is a 200
  createThread: 201.
protocol.errors-without-id: errors have no X-Request-Id
  Every response carries an `X-Request-Id`.
protocol.head-fails: HEAD is a 500
  RFC 9110, 9.3.2: HEAD is GET without the content.
protocol.latin-1: JSON is sent in Latin-1
  RFC 8259, 8.1: JSON text must be encoded using UTF-8.
protocol.location-without-base: Location leaves out /v1
  Location is the path of the new thread.
protocol.no-allow: a 405 has no Allow
  RFC 9110, 15.5.6: a 405 must have Allow.
protocol.no-challenge: a 401 has no WWW-Authenticate
  Unauthorized: the header is required.
protocol.one-request-id: every response has the same X-Request-Id
  X-Request-Id: no two are the same.
protocol.refusal-is-400: what breaks a schema is a 400
  422: the request does not fit this document.
race.expected-revision: of two updates at one time that expect one revision both are made
  updateThread: only when the thread still has that revision.
race.idempotency: two requests at one time with one key are both done
  Idempotency-Key: does nothing again.
race.ids-by-clock: threads made at one time get the same id
  Thread.id: the server chooses the id of each new thread.
race.lost-update: of two updates at one time to two keys of the metadata one is lost
  updateThread: `metadata` is merged key by key.
race.second-run: two runs that are asked for at one time both start
  createRun: a thread has one unfinished run at most.
race.sequence: messages added at one time get the same sequence
  sequence: 1, 2, 3, without a gap.
idempotency.body-ignored: a key with another body answers what the first one answered
  Idempotency-Key: the same key with another body is a 409.
idempotency.ignored: the key is ignored
  Idempotency-Key: does nothing again.
idempotency.refusals-kept: a run that was refused is refused again with its key
  Idempotency-Key: a request that was refused does not use its key up.
idempotency.shared-by-paths: a key that was used in one thread answers in another one
  Idempotency-Key: one set for each path.
idempotency.shared-by-users: a key of one user answers another one with his thread
  Idempotency-Key: keys are yours alone.
"""


def _read(text: str) -> dict[str, Fault]:
    lines = text.strip().splitlines()
    found = {}
    for head, breaks in zip(lines[::2], lines[1::2], strict=True):
        name, sentence = head.split(": ", 1)
        found[name] = Fault(name, sentence, breaks.strip())
    return found


FAULTS = _read(_TEXT)
