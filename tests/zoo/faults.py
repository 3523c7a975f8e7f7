"""The faults that the server can be given: bugs that real teams ship, each visible to a client."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Category = Literal[
    "schema",
    "input",
    "state",
    "query",
    "talk",
    "stream",
    "auth",
    "protocol",
    "race",
    "assignment",
    "stale",
    "leak",
    "fidelity",
    "act",
    "resource",
]


@dataclass(frozen=True)
class Fault:
    name: str
    category: Category
    sentence: str


def _faults(category: Category, **sentences: str) -> tuple[Fault, ...]:
    return tuple(Fault(name, category, sentence) for name, sentence in sentences.items())


SCHEMA = _faults(
    "schema",
    list_item_without_user_id="Sessions in a list lack the required `user_id`.",
    created_at_without_zone="The times of a session carry no time zone.",
    boolean_as_integer="`render_templates` comes back as 0 or 1.",
    owner_leaked="A session carries a property that its schema forbids.",
    empty_metadata_is_null="Empty metadata comes back as null.",
    message_name_null="Messages without a `name` carry a null one.",
    event_offset_is_string="The offset of a listed event is a string.",
    idle_stop_without_turn_id="A stop without a turn leaves `turn_id` out instead of sending null.",
    suggestion_time_is_number="`created_at` of a suggestion is seconds since 1970.",
    problem_without_title="Problems lack the required `title`.",
)

INPUT = _faults(
    "input",
    unknown_field_accepted="Unknown fields in the body of a session are ignored.",
    agent_id_optional="A session is created without the required `agent_id`.",
    limit_zero_accepted="`limit=0` is accepted.",
    limit_above_maximum_accepted="`limit=1001` is accepted.",
    title_length_unchecked="A title of more than 200 characters is accepted.",
    agent_id_of_any_letter="An agent's id may have what stands between Z and a, such as `[`.",
    client_id_unchecked="A client's id that breaks the pattern is accepted.",
    empty_messages_accepted="A chat request with no messages is accepted.",
    empty_text_accepted="A message with empty text is accepted.",
    content_coerced="A number as message text is turned into a string.",
    assistant_role_accepted="A client may send messages as the assistant.",
    null_metadata_accepted="A null for `metadata` is accepted in PUT and PATCH.",
    bad_filter_ignored="A `metadata_filter` that is no JSON object is ignored.",
    bad_boolean_accepted="`allow_greeting=maybe` is taken for false.",
    bad_last_event_id_accepted="A `Last-Event-ID` that is no number is ignored.",
    errors_left_out="A 422 does not say where the request is wrong.",
    refused_body_creates="A create whose body is refused makes the session nevertheless.",
    refused_header_patches="A PATCH whose `If-Match` is refused is made nevertheless.",
    refused_query_creates="A create whose query is refused makes the session nevertheless.",
)

STATE = _faults(
    "state",
    created_not_found="A session with a client's id cannot be read after its creation.",
    client_id_ignored="The client's id is ignored: the server chooses one.",
    user_id_ignored="The `user_id` of a new session is ignored: a guest user is made.",
    situation_not_stored="The `situation` of a new session is lost.",
    situation_lost_without_title="The `situation` of a new session without a title is lost.",
    metadata_numbers_to_strings="Numbers in metadata come back as strings.",
    metadata_nulls_dropped="Nulls in the metadata of a new session are lost.",
    metadata_keys_lowercased="The keys of metadata come back in lower case.",
    title_trimmed="White space around a title is removed.",
    ids_are_counts="An id is how many sessions there were: after a delete it is that of another.",
    duplicate_id_overwrites="A second session with a taken id replaces the first one.",
    delete_keeps_listed="A deleted session stays in the list.",
    delete_keeps_readable="A deleted session can still be read by its id.",
    delete_keeps_history="The history of a deleted session can still be read.",
    recreated_with_old_history="A session made with a deleted one's id has its history.",
    delete_unknown_succeeds="Deleting a session that does not exist answers 204.",
    put_merges="PUT keeps what the body leaves out.",
    put_new_guest="PUT gives the session another user.",
    patch_replaces_metadata="PATCH drops the metadata keys that it does not name.",
    patch_stores_null="A null inside `metadata` of a PATCH is stored.",
    patch_as_json_replaces="PATCH as application/json replaces the metadata.",
    patch_nested_replaced="PATCH replaces nested objects of metadata instead of merging them.",
    patch_resets_others="PATCH resets the attributes that it does not name.",
    patch_half_applied="A PATCH that is refused has changed the title nevertheless.",
    updated_at_frozen="`updated_at` never moves.",
    created_at_moves="An update moves `created_at`.",
    read_moves_updated_at="Reading a session moves its `updated_at`.",
    etag_frozen="The ETag never changes.",
    etag_random="The ETag changes although the session does not.",
    etag_before_greeting="The ETag of a create is that of before the greeting.",
    etag_ignores_talk="The ETag stays while `message_count` changes.",
    stale_if_match_accepted="PUT and PATCH with an outdated `If-Match` are carried out.",
    delete_ignores_if_match="DELETE with an outdated `If-Match` is carried out.",
    weak_etag_matches="`If-Match` takes a weak tag for the strong one.",
    if_match_first_only="Only the first tag of an `If-Match` list is looked at.",
    if_match_star_refused="`If-Match: *` is a 412.",
    active_is_oldest="The active session is the first that the caller made.",
    active_always_new="Asking for the active session makes a new one each time.",
)

QUERY = _faults(
    "query",
    offset_ignored="The session list ignores `offset`.",
    offset_of_32_bits="The session list takes 32 bits of `offset`.",
    filter_compares_texts="Objects in metadata are compared as JSON text, keys in order.",
    limit_one_too_many="The session list has one more than `limit`.",
    default_limit_ten="Without `limit` the session list ends after ten.",
    default_order_oldest_first="Without `order` the oldest session comes first.",
    order_ignored="`order=asc` is ignored.",
    sort_by_ignored="`sort_by=updated_at` is ignored.",
    filter_substring="The filter takes a part of a string for the string.",
    filter_untyped="The filter takes the number 1 for the string '1'.",
    filter_bool_is_number="The filter takes true for 1.",
    filter_first_key_only="The filter looks at its first key only.",
    filter_nested_subset="The filter compares nested objects by containment.",
    filter_null_is_missing="A null in the filter matches sessions without that key.",
    filter_after_page="The filter is applied after the page was cut.",
    total_is_page_size="`total` of the session list is the number of its items.",
    total_ignores_filter="`total` counts the sessions that the filter rejects.",
    history_offset_ignored="The history ignores `offset`.",
    history_limit_from_end="`limit` of the history keeps the last messages, not the first.",
    history_total_is_page_size="`total` of the history is the number of its items.",
    min_offset_exclusive="The event list begins after `min_offset`, not at it.",
    types_first_only="The event list looks at the first of several `types` only.",
    types_after_limit="The event list applies `types` after `limit`.",
    page_beyond_end_repeats="A page behind the end of the session list is the last one again.",
    filter_lost_on_later_pages="The filter holds on the first page only.",
    total_counts_deleted="`total` of the session list counts what was deleted.",
    order_by_whole_seconds="The session list is sorted by whole seconds.",
)

TALK = _faults(
    "talk",
    history_newest_first="The history begins with the newest message.",
    text_trimmed="White space around a message is removed.",
    text_html_escaped="Messages are stored with HTML entities.",
    text_truncated="Messages end after 100 characters.",
    emoji_lost="Characters beyond the basic plane are lost from messages.",
    text_normalised="Messages are stored in Unicode normal form C.",
    history_mixes_sessions="The history contains the caller's other sessions.",
    system_messages_dropped="System messages are not recorded.",
    only_last_message_recorded="Of several messages in one request only the last is recorded.",
    message_name_lost="The `name` of a message is lost.",
    reply_not_recorded="The reply of a JSON chat is not in the history.",
    reply_id_differs="The id of a JSON reply is not its id in the history.",
    turn_id_differs="The reply has another `turn_id` than the message that it answers.",
    greeting_missing="`allow_greeting=true` has no effect.",
    greeting_always="The agent greets without `allow_greeting`.",
    message_count_one_side="`message_count` leaves out what the agent said.",
    clear_does_nothing="Clearing the history answers 204 and keeps it.",
    clear_keeps_events="Clearing the history keeps the events.",
    clear_keeps_suggestions="Clearing the history keeps the suggestions.",
    clear_keeps_message_count="Clearing the history keeps `message_count`.",
    suggestions_of_other_sessions="The suggestions contain those of the caller's other sessions.",
    suggestions_oldest_first="The oldest suggestion comes first.",
    suggestion_of_wrong_message="The suggestions point at the user's message.",
    idle_stop_claims_turn="A stop without a turn says that one was stopped.",
    idle_stop_ends_next_turn="A stop without a turn ends the next turn at once.",
    tool_reply_not_recorded="What the agent says after calling a tool is not in the history.",
    tool_events_counted="`message_count` counts calls of tools and their results.",
    tool_offsets_repeat="The event after a tool's result has the same offset.",
    awaited_result_not_stored="The result that a waiting call gets is not in the event list.",
    failure_wedges_session="After a turn that failed, each further one is a 409.",
)

STREAM = _faults(
    "stream",
    log_forgets="Only the last 120 events of a session can be streamed again.",
    stopped_agent_goes_on="The whole reply is stored after the part that was said before a stop.",
    done_missing="A stream ends without `done`.",
    last_chunk_lost="The last chunk of a reply is never sent.",
    chunk_sent_twice="One chunk of a reply is sent twice.",
    chunk_ascii_only="Non-ASCII characters are question marks in chunks.",
    chunk_index_stuck="Every chunk has the index 0.",
    chunk_message_id_differs="Chunks name another message than the one that is stored.",
    ids_restart="The ids of events begin anew with each turn.",
    frames_buffered="All frames arrive at once when the turn is over.",
    not_recorded_after_stream="A streamed reply is not in the history.",
    stream_as_text_plain="The stream has the media type text/plain.",
    data_split_at_separators="Line separators inside JSON begin a new line of `data`.",
    event_name_missing="Frames carry no `event` field.",
    first_frame_missing="The stream of a new event does not begin with that event.",
    resume_repeats_last="A resumed stream repeats the event that the client has seen.",
    resume_skips_one="A resumed stream leaves out the first event that the client lacks.",
    resume_without_chunks="A resumed stream leaves out the chunks.",
    subscribe_replays_all="A subscription without `Last-Event-ID` begins with the past.",
    subscribe_never_live="A subscription ends after the past events.",
    wait_ignored="A subscription outlasts `wait`.",
    subscribe_outlives_session="A subscription stays open when its session is deleted.",
    stop_loses_partial_text="A stopped turn stores nothing.",
    stop_not_marked="The message of a stopped turn is marked complete.",
    stop_stores_whole_reply="A stopped turn stores what the agent had not said yet.",
    stopped_event_missing="The stream of a stopped turn ends with `done`.",
    disconnect_stops_turn="A client that goes away stops the turn.",
    disconnect_keeps_half="When a client goes away, the first word of the reply is stored.",
    disconnect_loses_question="When a client goes away, its question leaves the history.",
    disconnect_wedges_session="After a client has gone away, no turn of the session begins.",
    arguments_last_piece_lost="The last piece of a tool's arguments is never sent.",
    arguments_not_json="The pieces of a tool's arguments are no JSON.",
    arguments_differ="A call has its arguments as strings, unlike their pieces.",
    arguments_index_stuck="Every piece of a tool's arguments has the index 0.",
    tool_turn_without_done="A turn in which a tool was called ends without `done`.",
    tool_ids_repeat="The first event of a tool call has the id of the one before.",
    tool_result_not_stored="The result of a tool is streamed, but not in the event list.",
    finish_stop_where_call_waits="A turn that ends with a waiting call says `stop`.",
    error_event_missing="The stream of a turn that fails ends without a word.",
    done_after_error="A turn that fails ends with `error`, and then with `done`.",
    resume_without_tool_calls="A resumed stream leaves out the calls of tools.",
)

AUTH = _faults(
    "auth",
    any_key_accepted="Any key is accepted.",
    key_prefix_accepted="The beginning of a key is accepted.",
    key_case_ignored="A key in other case is accepted.",
    scheme_ignored="A key is accepted under any scheme of the Authorization header.",
    header_key_ignored="A key in `X-API-Key` is not accepted.",
    query_key_ignored="A key in the query is not accepted.",
    history_without_key="The history can be read without a key.",
    challenge_missing="A 401 has no WWW-Authenticate.",
    other_user_forbidden="The session of another user is a 403 instead of a 404.",
    other_user_readable="The session of another user can be read.",
    other_user_listed="The list contains sessions of other users.",
    other_user_changeable="The session of another user can be changed.",
    other_user_deletable="The session of another user can be deleted.",
    other_user_history="The history of another user's session can be read.",
    other_user_talk="A message can be sent into another user's session.",
    other_user_events="The events of another user's session can be followed.",
    active_of_anyone="The active session is the last that anyone made.",
)

PROTOCOL = _faults(
    "protocol",
    create_answers_200="Creation answers 200.",
    location_missing="Creation sends no Location.",
    location_wrong="Location names a path that does not exist.",
    etag_missing="Reading a session sends no ETag.",
    etag_unquoted="The ETag has no quotation marks.",
    allow_missing="A 405 has no Allow.",
    malformed_json_is_500="Malformed JSON is a 500.",
    not_found_is_200="An unknown session is a 200 with null.",
    delete_answers_200="Deletion answers 200 with a body.",
    chunked_body_ignored="A body with `Transfer-Encoding: chunked` is taken for an empty one.",
    media_type_unchecked="A body of any media type is read as JSON.",
    merge_patch_refused="PATCH refuses application/merge-patch+json.",
    problem_status_differs="The status inside a problem is not that of the response.",
    problem_as_json="Problems have the media type application/json.",
    accept_ignored="Chat answers JSON when the client accepts an event stream only.",
    not_acceptable_ignored="A client that accepts neither media type gets an answer.",
    head_of_missing_is_200="HEAD of a session that does not exist is a 200.",
    head_of_other_type="HEAD has the Content-Type text/html.",
    options_allow_partial="OPTIONS names GET only.",
    if_none_match_ignored="A read under the current tag sends the session again.",
    if_none_match_strong="`If-None-Match` does not take a weak tag.",
    not_modified_after_change="A read under a tag of before a change is a 304.",
    idempotency_key_ignored="A create that is sent again under its key makes a second session.",
    idempotency_key_of_anyone="Two users with one key get one session.",
    idempotency_key_once_per_user="Only the first key of a user makes a session.",
)

RACE = _faults(
    "race",
    turns_interleave="Two turns of one session run at the same time.",
    id_taken_twice="Two simultaneous creations with one id both succeed.",
    if_match_won_twice="Two simultaneous updates with one `If-Match` both succeed.",
    patch_lost="Of two simultaneous PATCHes one is lost.",
    turn_writes_session_back="The end of a turn takes back what was changed while it ran.",
    regenerations_pile_up="Of two simultaneous regenerations both replies stay.",
    late_reply_lost="The streamed reply of a turn that had to wait is not in the history.",
)

ASSIGNMENT = _faults(
    "assignment",
    create_takes_created_at="A create may say when the session was made.",
    create_takes_message_count="A create may say how many messages there are.",
    update_takes_user_id="An update may give the session to another user.",
    update_takes_updated_at="An update may say when it was made.",
)

STALE = _faults(
    "stale",
    get_cached="A session that was read is read from a cache for a moment.",
    list_cached="The session list comes from a cache for a moment.",
    history_cached="The history comes from a cache for a moment.",
    deleted_still_cached="A deleted session can be read for a moment.",
)

LEAK = _faults(
    "leak",
    foreign_told_apart="The 404 for a session of another user says that it is not the caller's.",
    precondition_before_owner="`If-Match` is looked at before the owner: a foreign id is a 412.",
    total_counts_everyone="`total` of the session list counts the sessions of all users.",
    suggestions_of_everyone="The suggestions contain those of other users.",
    history_of_everyone="The history contains what other users have said.",
    events_reach_everyone="What one user says is told in the sessions of all others.",
)

FIDELITY = _faults(
    "fidelity",
    local_time_as_utc="The times of a session are local, and marked as UTC.",
    offset_without_shift="The times of a session are UTC, and marked as two hours east of it.",
    message_time_local="The times of messages are local, and marked as UTC.",
    floats_rounded="Numbers in metadata are rounded to six places.",
    floats_single="Numbers in metadata have single precision.",
    integers_drift="Integers above 2^53 in metadata lose their last digit.",
    large_numbers_as_text="Numbers in metadata from 1e16 on come back as text.",
    title_normalised="Titles are stored in Unicode normal form C.",
    metadata_keys_normalised="The keys of metadata are stored in Unicode normal form C.",
    text_ends_at_nul="A message ends at its first null character.",
    control_characters_dropped="Control characters are lost from messages.",
)

ACT = _faults(
    "act",
    denied_call_is_made="A call that was denied is made.",
    decisions_race="Decisions on one call at one time let the agent go on once each.",
    regenerate_appends="A reply that is given anew stands behind the old one.",
    regenerate_forgets_talk="Regenerating forgets all that was said before.",
    edit_keeps_rest="What stood behind an edited message stays.",
    edit_text_lost="An edited message keeps its old text.",
    edit_keeps_system_messages="System messages behind an edited message stay.",
    edit_keeps_message_count="`message_count` counts what an edit has taken back.",
    regenerate_keeps_message_count="`message_count` counts what regenerating has taken back.",
    decision_on_any_call="A decision on a call that nobody made is one on the call that waits.",
    decision_taken_twice="A decision that is sent again lets the agent go on again.",
)

RESOURCE = _faults(
    "resource",
    lookup_slows_down="Reading a session looks through all sessions, slowly.",
    listing_slows_down="Listing sessions takes longer with every session of anyone.",
    lookup_takes_seconds="Reading a session takes more than a second.",
    slow_reader_loses="A subscriber that reads slowly misses what was said meanwhile.",
)

FAULTS = (
    SCHEMA
    + INPUT
    + STATE
    + QUERY
    + TALK
    + STREAM
    + AUTH
    + PROTOCOL
    + RACE
    + ASSIGNMENT
    + STALE
    + LEAK
    + FIDELITY
    + ACT
    + RESOURCE
)


def known(names: Collection[str]) -> frozenset[str]:
    """The names as a set; one that is no fault is a ValueError."""
    unknown = sorted(set(names) - {fault.name for fault in FAULTS})
    if unknown:
        raise ValueError(f"Unknown faults: {', '.join(unknown)}. The known ones are in faults.py.")
    return frozenset(names)
