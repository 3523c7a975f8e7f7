"""Which promise each fault of Parley breaks: the check to run, and what it sees."""

# Left out is what only a sentence tells:
#   the words that an assistant acts upon, hence its tools, failures and memory
#     tool_calls_not_stored, no_done_after_tool, seq_repeats_at_tool, done_after_error,
#     recap_of_other_threads
#   what is refused beyond the schemas
#     labels_merge_over_8, unknown_assistant_accepted, archived_takes_streams,
#     idempotency_conflict_ignored, foreign_patch_403, read_only_key_patches (no third key is known)
#   what a value means or when it is there
#     null_subject_ignored, updated_at_ignores_messages, cursor_on_full_last_page
#   that turns at one instant are one after the other: concurrent_posts_interleave

# `check > promise`: the check of one promise meets an answer that breaks another.
KNOWN = {
    # response
    "create_answers_200": "create.location > response.status",
    "count_is_text_in_list": "list.contains > response.schema",
    "usage_missing_in_single": "auth.schemes > response.schema",
    "patch_time_without_zone": "update.read_back > response.schema",
    "message_404_other_shape": "talk.isolation > response.schema",
    # validation
    "subject_121_accepted": "input.refused",
    "blank_text_accepted": "input.refused",
    "patch_unknown_member_accepted": "input.refused",
    "stream_flag_coerced": "input.refused",
    "text_limit_in_bytes": "input.accepted",
    "malformed_json_500": "input.malformed",
    # state
    "patch_replaces_labels": "patch.merges",
    "deleted_history_readable": "delete.gone",
    "count_misses_streamed_reply": "talk.count",
    "patch_moves_created_at": "time.created",
    "labels_shared": "update.read_back",
    # listing
    "default_limit_10": "list.pages",
    "limit_clamped": "input.parameters",
    "page_skips_one": "list.pages",
    "cursor_drops_filter": "list.filter",
    "total_of_page_only": "list.total",
    "ordered_by_updated": "list.order",
    "archived_false_ignored": "list.filter",
    # talk
    "role_filter_turns_order": "list.filter",
    "text_trimmed": "text.verbatim",
    "message_ids_per_thread": "talk.ids",
    "message_under_any_thread": "talk.isolation",
    # stream
    "last_delta_missing": "stream.adds_up",
    "stream_buffered": "stream.incremental",
    "stream_as_text_plain": "stream.media_type",
    "seq_repeats_at_text": "stream.ids",
    "seq_repeats_at_tool": "stream.ids",
    "no_done_after_tool": "stream.terminal",
    "tool_calls_not_stored": "talk.recorded",
    "raw_line_break_in_data": "stream.schema",
    "streamed_reply_stored_cut": "talk.recorded",
    # security
    "history_of_other_user": "auth.owner",
    "delete_of_other_user": "auth.owner",
    "q_leaks_other_users": "auth.owner",
    "single_message_without_key": "auth.required",
    "key_with_tail_accepted": "auth.required",
    # protocol
    "etag_stale_after_message": "etag.not_modified",
    "if_match_ignored_on_delete": "etag.guards",
    "if_none_match_any": "etag.not_modified",
    "idempotent_message_twice": "idempotency.key",
    # races
    "concurrent_posts_lose_messages": "race.talk",
    "concurrent_create_same_id": "race.create",
    "idempotency_race": "idempotency.key",
    "if_match_race": "race.update",
}
