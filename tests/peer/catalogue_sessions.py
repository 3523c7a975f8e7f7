"""The faults of requests, sessions and lists: by category, what each does and what that breaks."""

TABLE = """
[auth]
head-needs-no-key: HEAD is answered without a key.
    RFC 9110, 9.3.2: HEAD is identical to GET; `401`: "No key, or a wrong one."
bearer-with-case: The name of the scheme must be spelled `Bearer`.
    RFC 9110, 11.1: a case-insensitive token names the scheme.
query-key-unknown-to-streams: The streams do not look for `api_key` in the query.
    `security`: `query_key` holds for every operation.
query-key-unchecked: Any `api_key` in the query is taken for that of the first user.
    `401`: "No key, or a wrong one."
key-prefix-suffices: A key with more behind it is taken too.
    `401`: "No key, or a wrong one."
wrong-key-without-challenge: A wrong key is refused without `WWW-Authenticate`.
    `401`: the header is required.

[leak]
foreign-delete-403: To delete someone else's session is forbidden, not in vain.
    `404`: "There is no such session, or it belongs to someone else."
history-of-anyone: The history does not ask whose session it is.
    `404`: "There is no such session, or it belongs to someone else."
stop-of-anyone: Anyone can stop a turn.
    `404`: "There is no such session, or it belongs to someone else."
if-match-before-owner: `If-Match` is looked at before the owner, and tells that the id is in use.
    `404`: "There is no such session, or it belongs to someone else."
filter-shows-everyone: The list shows the sessions of all users, but only with a filter.
    listSessions: "List the caller's sessions."
active-of-anyone: The active session is the one that anyone made last.
    getActiveSession: "The session that the caller made last."
suggestions-of-all-sessions: A session shows the suggestions of all sessions of its owner.
    getSuggestions stands below one session; clearHistory: "its ... suggestions".
subscriber-hears-all-sessions: A stream carries the events of all sessions of the caller.
    subscribe: "Follow the events of a session."
edit-across-sessions: A message can be edited by the path of another session.
    `404`; the history of a session is a view of its own log.
stop-stops-another: To stop in one session stops the turn of another.
    stopTurn: "Stop the running turn" of the session that the path names.
id-reused-with-history: A session with the id of a deleted one has its history.
    deleteSession: "Delete a session and all that was said in it."
user-event-with-extra: Events of users have a member that tells of their key.
    Event: `unevaluatedProperties: false`.

[problem]
pointer-unescaped: A slash in a member's name is not escaped in the pointer.
    `errors/pointer` has the format json-pointer (RFC 6901, 3).
pointer-dotted: Pointers have dots.
    `errors/pointer` has the format json-pointer.
header-error-in-body: What is wrong with a header is said of the body.
    `errors/in`; "`errors` says where."
query-errors-missing: What is wrong with the query is not said in `errors`.
    `422`: "`errors` says where."
conflict-says-400: The problem of a 409 has the status 400.
    RFC 9457, 3.1.3: generators must use the actual status.
media-problem-as-json: The problem of a 415 is plain JSON.
    `415` has only application/problem+json.

[protocol]
405-without-allow: A method that is not allowed is refused without saying which are.
    RFC 9110, 15.5.6: the server must generate an Allow header field.
accept-substring: A stream is sent whenever `Accept` names it, be it least wanted.
    chat: the two forms of a reply are negotiated (RFC 9110, 12.4.2).
accept-range-unknown: `text/*` is not understood.
    RFC 9110, 12.5.1: a range `type/*` names all of its subtypes.
media-type-with-case: `Application/JSON` is not taken.
    RFC 9110, 8.3.1: type and subtype are case-insensitive.
charset-unsupported: `application/json; charset=utf-8` is not taken.
    `415`: only for "a media type that the operation does not take".
edit-takes-any-type: An edit does not look at the media type of its body.
    `415`: "The body has a media type that the operation does not take."
path-not-decoded: Percent-encoded letters in an id are not decoded.
    RFC 3986, 6.2.2.2: both spellings are one URI.
head-not-allowed: HEAD of a session is refused.
    RFC 9110, 9.1: GET and HEAD must be supported.
create-event-any-accept: Adding an event ignores `Accept`.
    `406`: "The answer has none of the media types that `Accept` names."
chosen-id-200: A creation with an id of its own answers 200.
    createSession declares only 201.
location-lowercase: `Location` has the id in lower case.
    Location: "Where the new session is."
clear-answers-200: Clearing the history answers 200.
    clearHistory declares only 204.
second-delete-204: To delete what is gone succeeds again.
    `404`: "There is no such session."

[input]
nan-accepted: NaN is taken for a number.
    `400`: "The request can't be read"; RFC 8259, 6.
invalid-utf8-breaks: A body that is not UTF-8 breaks the server.
    `400`: "The request can't be read."
put-without-body: A PUT without a body resets the session.
    replaceSession: the body is required.
extra-in-message-accepted: A message may have members that are not declared.
    InputMessage: `additionalProperties: false`.
assistant-role-accepted: A client may speak as the assistant.
    InputMessage: role is user or system.
hundredth-message-refused: Only 99 messages can be sent at once.
    ChatRequest: `maxItems: 100`.
blank-text-refused: An edit cannot consist of blanks.
    Text: only `minLength: 1`.
user-id-newline-accepted: A user id may end with a line end.
    UserId: the pattern ends with `$`, which in ECMA-262 is the end.
decision-coerced: The text "false" is taken for a decision.
    Approval: approved is a boolean.
patch-takes-user: A patch can give a session to another user id.
    PatchSession: `additionalProperties: false`; "Agent, user and id stay."
integers-as-python-reads: "1_0", " 5" and "٣" are taken for integers.
    Limit: an integer.
limit-clamped: A limit of 1001 is read as 1000.
    Limit: `maximum: 1000`, else `422`.
limit-zero-is-default: A limit of 0 is read as none.
    Limit: `minimum: 1`, else `422`.
boolean-loose: "1" is taken for true.
    allow_greeting: a boolean.
if-match-garbage-ignored: An `If-Match` that is none is ignored, and the write goes through.
    IfMatch: its pattern, else `422`.
types-unknown-ignored: An unknown type among those to list is ignored.
    types: items are of EventType, else `422`.
last-event-id-unchecked: A `Last-Event-ID` that is none is ignored.
    Last-Event-ID: its pattern, else `422`.

[unicode]
title-counted-in-utf16: At creation a title's length is counted in UTF-16.
    Title: `maxLength` counts characters (JSON Schema, RFC 8259).
title-counted-in-bytes: In a patch a title's length is counted in bytes.
    Title: `maxLength` counts characters.
title-cut-at-astral: A patched title ends before the first character beyond the BMP.
    patchSession: "Change parts of a session", to what was sent.
text-normalised: Texts are stored in NFC.
    chat: "Every message is recorded."
line-ends-changed: CRLF in a text is stored as LF.
    chat: "Every message is recorded."
chunks-without-astral: Chunks have "?" for what is beyond the BMP.
    Chunk: a piece of the message with this id.
subscription-in-latin-1: The stream of a subscription is Latin-1.
    WHATWG HTML, 9.2: event streams are always UTF-8.
put-escapes-title: A PUT stores its title escaped for HTML.
    replaceSession: the title that the body has.

[race]
create-race: Two creations of one id at once both succeed.
    `409`: "A session with this id exists."
patch-race: Of two patches at once, one is lost.
    RFC 7396: members that a patch does not name stay.
if-match-race: Two patches of one version at once both succeed.
    IfMatch: "Change the session only when it still has this `ETag`."
chat-race: A chat that waits for another one loses the reply to that.
    "Every event of a session ... stands in one log."
delete-undone-by-turn: A session that is deleted while a turn runs is there again.
    deleteSession: "It is gone."

[state]
ids-without-case: Ids that differ in case are one.
    Id: both cases are letters of their own; `409` only when the id exists.
conflict-overwrites: A creation that conflicts changes the title of the other session.
    `409`: "A session with this id exists" - the session of someone else.
guest-with-colon: The id of a guest has a colon.
    UserId: its pattern.
create-drops-nulls: Null values in the metadata of a new session are dropped.
    createSession: "The session as stored"; a null removes only in a patch.
situation-cut: A long situation is cut at creation.
    Situation: `maxLength: 20000`.
deleted-events-readable: The events of a deleted session can still be listed.
    deleteSession: "Delete a session and all that was said in it."
greeting-unasked: The agent greets unless it may not.
    allow_greeting: `default: false`.
put-keeps-situation: A PUT without a situation keeps the old one.
    replaceSession: "What the body leaves out goes back to its default."
put-merges-metadata: A PUT merges its metadata into the old.
    replaceSession: "Replace what can be changed in a session."
put-keeps-templates: A PUT without render_templates keeps the old value.
    replaceSession: "What the body leaves out goes back to its default."
invalid-patch-half-done: A patch that breaks its schema still changes the title.
    `422`; RFC 5789, 2: never a partially modified representation.
patch-keeps-title: A null does not remove the title.
    RFC 7396, 2: null removes the member.
patch-shallow: A patch replaces nested objects.
    RFC 7396, 2: nested objects are merged.
patch-keeps-new-nulls: Nulls inside a new nested object are stored.
    RFC 7396, 2: MergePatch of an empty object drops them.
patch-joins-arrays: A patched array is put behind the old one.
    RFC 7396, 2: a value that is no object replaces the target.
patch-drops-array-nulls: Nulls in a patched array are dropped.
    RFC 7396, 1: an array is taken as it is.
patch-rounds-floats: Numbers in patched metadata are rounded.
    RFC 7396, 2: the value of the patch is the new value.
count-survives-clear: `message_count` stays when the history is cleared.
    clearHistory: "Forget what was said"; its history is empty afterwards.
empty-title-lost: An empty title is stored as null.
    createSession: "The session as stored"; Title has no least length.
patch-drops-empty-objects: An empty object in patched metadata is not stored.
    RFC 7396, 2: MergePatch of nothing and an empty object is an empty object.
patch-ignores-false: A patch cannot set `render_templates` to false.
    patchSession: "Change parts of a session", to what was sent.
delete-by-prefix: A DELETE takes all sessions whose ids begin alike.
    deleteSession: "Delete a session", which the path names.

[caching]
list-caches-titles: The list shows the titles of the creation.
    listSessions: items are the sessions as they are.
read-counts-as-change: Every GET makes a new version of the session.
    RFC 9110, 9.2.1: GET is safe; ETag: "The version of the session."
etag-ignores-metadata: The ETag does not change with the metadata.
    RFC 9110, 8.8.1: a strong validator changes with the representation.
put-returns-old-etag: A PUT answers with the ETag of before.
    replaceSession: "The session as it is now"; ETag: "The version of the session."
patch-etag-unquoted: A patch answers with an ETag without quotes.
    ETag: its pattern.
patch-written-before-if-match: A patch with a stale `If-Match` is refused, but done.
    IfMatch: "Change the session only when it still has this `ETag`."
delete-ignores-if-match: A DELETE ignores `If-Match`.
    IfMatch: "Change the session only when it still has this `ETag`."
if-match-first-only: Only the first tag of an `If-Match` counts.
    RFC 9110, 13.1.1: any of the listed tags.
if-match-any-refused: `If-Match: *` is refused.
    IfMatch: "or, with `*`, when it exists."
if-match-weak: `If-Match` matches weak tags.
    RFC 9110, 13.1.1: the strong comparison must be used.

[schema]
zone-lost-after-update: Once a session has changed, `updated_at` has no zone.
    Time: the format date-time (RFC 3339).
suggestion-time-with-space: The times of suggestions have a space for the T.
    Time: the format date-time of JSON Schema.
suggestion-total-text: The total of the suggestions is a text.
    SuggestionList: total is an integer.
put-omits-nulls: The answer to a PUT leaves out what is null.
    Session: all its members are required.
list-without-summary: The rows of the list have no summary.
    Session: summary is required.
history-null-names: A message without a name has the name null.
    Message: name is a string.
usage-null-when-stopped: The usage of a stopped reply is null.
    ChatReply: usage is an object.
stop-omits-null-turn: When no turn ran, `turn_id` is missing.
    Stopped: "null when none was running", and required.
approval-without-turn: An approval that nothing waits for answers with the turn null.
    ChatReply: turn_id is an Id.

[query]
active-not-listed: A session that was made as the active one is not listed.
    listSessions: "List the caller's sessions."
active-last-changed: The active session is the one that changed last.
    getActiveSession: "The session that the caller made last."
active-forgotten-on-delete: When the last session is deleted, an active one is made anew.
    getActiveSession: "one is made when there is none."
updated-asc-by-creation: `sort_by=updated_at` is ignored when ascending.
    sort_by: "The time to sort by."
filter-text-equals-number: The filter compares texts.
    metadata_filter: 'the string "1" is not the number 1.'
filter-true-equals-one: The filter takes true for 1.
    metadata_filter: "with exactly this value".
filter-nested-subset: The filter finds nested objects that have more members.
    metadata_filter: "with exactly this value".
filter-null-is-missing: The filter takes a missing key for null.
    metadata_filter: "its metadata has each of these keys".
filter-any-key: The filter finds what has any of the keys.
    metadata_filter: "each of these keys".
types-first-only: Only the first of the types is listed.
    types: "Only events of these types."

[paging]
total-of-later-page: From the second page on, `total` is the length of the page.
    SessionList: total is "How many there are on all pages."
offset-counts-pages: The offset counts pages.
    Offset: "How many to skip."
filter-counts-all: `total` counts what the filter leaves out.
    SessionList: "How many there are on all pages" of what is listed.
filter-lost-on-later-page: The filter is ignored from the second page on.
    metadata_filter: what is listed, whatever the offset.
total-counts-deleted: `total` counts deleted sessions.
    SessionList: "How many there are on all pages."
suggestions-limit-before-offset: The limit of suggestions is applied before the offset.
    Limit: "How many to return at most"; Offset: "How many to skip."
filter-after-page: The filter is applied to the page.
    Limit: "How many to return at most"; metadata_filter says what is listed.
types-after-limit: The types are applied to the page.
    types: "Only events of these types"; limit is of what is returned.
min-offset-exclusive: An offset that is not 0 is itself left out.
    min_offset: "The first offset to list."
history-newest-page: The first page of the history has the newest messages.
    getHistory: in the order in which they were said; offset 0 skips none.
history-total-zero-behind: Behind the last page the total is 0.
    History: total, whatever page is read.

[order]
ties-newest-first: Sessions that were made at one instant are listed backwards.
    listSessions: they "keep the order in which they were made."
history-ties-by-role: Messages of one instant are listed by role.
    getHistory: "in the order in which they were said."
suggestions-oldest-first: Suggestions come oldest first.
    getSuggestions: "Newest first."
"""
