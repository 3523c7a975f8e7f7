"""Which promise each fault of Huddle breaks: the check to run, and what it sees."""

# `check > promise`: the check of one promise meets an answer that breaks another.
KNOWN = {
    # schema
    "listed_without_take": "talk.recorded",
    "source_is_auto": "auth.schemes > response.schema",
    "last_page_without_token": "list.contains > response.schema",
    # validation
    "title_limit_in_bytes": "input.accepted",
    "blank_text_accepted": "input.refused",
    "change_ignores_unknown": "input.refused",
    "surrogate_500": "input.extremes",
    "any_media_type": "input.media_type",
    # state
    "metadata_replaced": "patch.merges",
    "text_stripped": "text.verbatim",
    "deleted_history_readable": "delete.gone",
    "etag_misses_changes": "etag.changes",
    # pages
    "page_overlaps": "list.pages",
    "backward_ascending": "list.pages",
    "ties_skipped": "list.order",
    "filter_behind_page": "list.filter",
    # stream
    "resume_repeats": "stream.resume",
    "buffered": "stream.incremental",
    "last_piece_missing": "stream.adds_up",
    # security
    "halt_by_others": "auth.owner",
    "foreign_huddle_403": "auth.alike",
    "key_with_tail_accepted": "auth.required",
    "keys_of_everyone": "idempotency.key",
    # races
    "update_race": "race.update",
    "idempotency_race": "idempotency.key",
}

# What only a sentence tells is found when an overlay of a few lines states it; not how many replies
# a person may have at once, since a refusal may be due to what others do: slot_kept_by_halt
STATED = {
    "revision_without_change": "update.unchanged",
    "archived_anew": "act.again",
    "token_of_other_filters": "list.pages",
    "halted_without_end": "stop.partial",
    "line_feed_raw": "stream.adds_up",
    "hang_up_halts": "talk.outlives",
    "two_replies_at_once": "talk.single",
}
