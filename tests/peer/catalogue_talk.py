"""The faults of turns, events and streams: by category, what each does and what that breaks."""

TABLE = """
[talk]
not-acceptable-recorded: A chat that is refused for its `Accept` is recorded all the same.
    `406`: the request was refused; RFC 9110, 15.5.
invalid-chat-half-recorded: A chat that breaks its schema still records its first message.
    `422`: the request was refused; its messages are those of no turn.
chat-records-last-only: Only the last message of a chat is recorded.
    chat: "Every message is recorded."
text-trimmed: White space around a text is lost.
    chat: "Every message is recorded."
chat-loses-name: The name of a message is lost.
    Message: name is "Who said it."
system-recorded-as-user: A system message is recorded as the user's.
    chat: "Every message is recorded", with its role.
user-message-own-turn: What the user says stands in another turn than the answer.
    "A turn is what a client sends, and all that the agent answers to it."
reply-repeats-user: The reply has the user's message as well.
    chat: "The agent's reply."
reply-with-other-id: A message has another id in the reply than in the history.
    The history is a view of the one log; edits are addressed by this id.
streamed-reply-forgotten: A reply that was streamed is not in the history.
    chat: "the same turn as an event stream"; the streams are views of the log.
clear-keeps-suggestions: Suggestions stay when the history is cleared.
    clearHistory: "its history, events and suggestions are empty afterwards."
clear-keeps-summary: The summary still tells what was said before a clear.
    clearHistory: "Forget what was said."
clear-resets-title: Clearing the history takes the title away.
    clearHistory: "The session stays."
regenerate-recalls-cleared: After a clear, what was said before can still be answered again.
    `409`: "There is no message of the user that could be answered again."
regenerate-keeps-old: The old reply stays in the history.
    regenerate: "The new reply takes the place of the old one in the history."
second-regenerate-keeps-old: The second time, the old reply stays in the history.
    regenerate: "The new reply takes the place of the old one in the history."
regenerate-repeats-user: The user's message is recorded again.
    regenerate: only the reply is new in the history.
edit-keeps-tail: Only one message behind the edited one leaves the history.
    editMessage: "All that came behind the message leaves the history."
edit-loses-name: An edited message has lost its name.
    editMessage: "Change what the user said"; name is "Who said it."
edit-of-agent-taken: What the agent said can be edited.
    editMessage: "Change what the user said"; `409`.
edit-unseen-by-events: The event list shows an edited message as it was.
    "the history, the event list and the streams are views" of one log.
edit-never-streams: An edit answers JSON even when only a stream is acceptable.
    editMessage has text/event-stream; `406` when it were not there.
needless-approval-answered: The agent speaks though no call waits for a decision.
    decide: "Nothing is said where no call waits for a decision."
falsy-result-lost: A tool result that is null, false or 0 is lost.
    ToolResultData: result is required; createEvent: "the event as stored".
greeting-lost-to-events: The greeting is in the history, but not in the event list.
    "Every event of a session ... stands in one log."

[stop]
stop-drops-message: What was said before a stop is not stored.
    stopTurn: "What the agent has said so far is stored."
stop-stores-whole-reply: A stopped message has what had not been said yet.
    stopTurn: "What the agent has said so far is stored."
stopped-says-complete: A stopped message is marked complete.
    stopTurn: "and marked `stopped`".
stopped-stream-says-done: The stream of a stopped turn ends with `done`.
    stopTurn: "its stream ends with a `stopped` event."
stop-before-stored: The stop is answered before the message is stored.
    stopTurn: "What the agent has said so far is stored."
stop-lingers: After a stop the next turn is stopped too.
    stopTurn: "Stop the running turn."
stop-always-true: A turn that is over can be stopped.
    Stopped: turn_id is "null when none was running".

[stream]
first-frame-status: The first frame is a status.
    createEvent: "The first frame is the event as stored."
frame-after-done: A status follows `done`.
    createEvent: "the last one is `done`, `stopped` or `error`."
status-unnamed: Status frames have no event name.
    StreamEvent: event is required.
chunk-without-id: Chunks have no id.
    StreamEvent: id is required.
statuses-not-stored: Statuses are streamed, but not in the event list.
    "Every event of a session (messages, statuses, ...) stands in one log."
offsets-from-one: The first event has the offset 1.
    min_offset: "offsets count the stored events of the session from 0."
disconnect-holds-session: When a client leaves during a turn, the session answers no more.
    chat: "Send messages and get the agent's reply."
fresh-stream-replays: A stream without `Last-Event-ID` begins with the past.
    subscribe: "Streams what happens from now on."
delete-leaves-streams: Streams stay open when the session is deleted.
    subscribe: "The stream ends ... when the session is deleted."
wait-counts-from-start: The stream ends `wait` seconds after it began.
    subscribe: "The stream ends after `wait` seconds of silence."
wait-zero-is-default: `wait=0` is read as none.
    wait: `minimum: 0`; "Seconds of silence after which the stream ends."
subscribers-share-queue: Of two subscribers each hears a part.
    subscribe: "Streams what happens from now on", to each.
json-turns-not-live: What is answered as JSON does not reach live streams.
    subscribe: "Streams what happens from now on."
long-event-not-live: Events of more than 8000 characters do not reach live streams.
    subscribe: "Streams what happens from now on."

[resume]
clear-keeps-replay: After a clear, all that was said can be replayed.
    clearHistory: "its history, events and suggestions are empty afterwards."
resume-zero-is-none: `Last-Event-ID: 0` replays nothing.
    subscribe: "`0` is the beginning."
resume-stored-only: Only stored events are replayed.
    subscribe: "first all that came after it".
resume-as-text: A resumed stream is text/plain.
    subscribe has only text/event-stream.
resume-inclusive: The event that was seen is replayed.
    subscribe: "all that came after it".
resume-misses-running-turn: Who resumes while a turn runs does not hear the rest of it.
    subscribe: "Streams what happens from now on; ... first all that came after it."
"""
