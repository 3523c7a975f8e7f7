"""One probe for each fault of schema, input and state: it holds unless the fault is there."""

from __future__ import annotations

import time

from .client import Api
from .wire import check

E_ACUTE = "e\u0301"


def schema_milliseconds(a: Api, b: Api) -> None:
    thread = a.new()
    a.say(thread, "hi")
    assert a.data("GET", thread)["lastMessageAt"] < 10**10


def schema_null_left_out(a: Api, b: Api) -> None:
    assert a.data("POST", json={}).get("title", "nothing") is None


def schema_count_as_text(a: Api, b: Api) -> None:
    assert a.data("POST", json={})["messageCount"] == 0


def schema_word_of_status(a: Api, b: Api) -> None:
    assert a.data("POST", a.new() + "/archive")["status"] == "archived"


def schema_action_stays(a: Api, b: Api) -> None:
    run, outputs = a.tool(a.new())
    a.submit(run, outputs)
    assert a.until(run, "completed")["requiredAction"] is None


def schema_arguments_as_text(a: Api, b: Api) -> None:
    run, _ = a.tool(a.new())
    calls = a.data("GET", run)["requiredAction"]["toolCalls"]
    assert isinstance(calls[0]["arguments"], dict)


def schema_usage_sum(a: Api, b: Api) -> None:
    usage = a.say(a.new(), "one two")["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]


def schema_empty_list_null(a: Api, b: Api) -> None:
    assert a.ask("GET", a.new() + "/messages").json()["data"] == []


def schema_undeclared_in_list(a: Api, b: Api) -> None:
    a.new()
    assert check("ThreadPage", a.ask("GET").json()) is None


def schema_error_shape(a: Api, b: Api) -> None:
    assert check("ErrorResponse", a.ask("GET", "/thr_0000000000000000").json()) is None


def input_any_media_type(a: Api, b: Api) -> None:
    assert a.status("POST", content="{}", headers={"Content-Type": "text/plain"}) == 415


def input_bad_cursor_fails(a: Api, b: Api) -> None:
    assert a.status("GET", params={"cursor": "no-cursor"}) == 422


def input_bad_cursor_ignored(a: Api, b: Api) -> None:
    assert a.status("GET", params={"cursor": "no-cursor"}) == 422


def input_empty_change_taken(a: Api, b: Api) -> None:
    assert a.status("PATCH", a.new(), json={}) == 422


def input_empty_text_taken(a: Api, b: Api) -> None:
    assert a.status("POST", a.new() + "/runs", json={"input": ""}) == 422


def input_limit_unbounded(a: Api, b: Api) -> None:
    assert a.status("GET", params={"limit": 101}) == 422


def input_long_title_cut(a: Api, b: Api) -> None:
    assert a.status("POST", json={"title": "x" * 121}) == 422


def input_malformed_fails(a: Api, b: Api) -> None:
    assert a.status("POST", content="{", headers={"Content-Type": "application/json"}) == 400


def input_mass_assignment(a: Api, b: Api) -> None:
    thread = a.new()
    assert a.status("PATCH", thread, json={"title": "x", "status": "archived"}) == 422
    assert a.data("GET", thread)["status"] == "active"


def input_metadata_grows(a: Api, b: Api) -> None:
    thread = a.new(metadata={str(key): "v" for key in range(16)})
    assert a.status("PATCH", thread, json={"metadata": {"one more": "v"}}) == 422


def input_null_fails(a: Api, b: Api) -> None:
    assert a.status("POST", a.new() + "/runs", json={"input": None}) == 422


def input_numbers_from_text(a: Api, b: Api) -> None:
    assert a.status("POST", json={"settings": {"temperature": "0.5"}}) == 422


def input_param_unnamed(a: Api, b: Api) -> None:
    error = a.ask("POST", json={"settings": {"temperature": 9}}).json()["error"]
    assert error["param"] == "settings.temperature"


def input_title_in_bytes(a: Api, b: Api) -> None:
    assert a.status("POST", json={"title": "é" * 100}) == 201


def input_unknown_ignored(a: Api, b: Api) -> None:
    assert a.status("POST", json={"titel": "x"}) == 422


def state_big_integers_drift(a: Api, b: Api) -> None:
    thread = a.new(context={"n": 2**53 + 1})
    assert a.data("GET", thread)["context"] == {"n": 2**53 + 1}


def state_context_merged(a: Api, b: Api) -> None:
    thread = a.new(context={"x": 1})
    assert a.data("PATCH", thread, {"context": {"y": 2}})["context"] == {"y": 2}


def state_created_moves(a: Api, b: Api) -> None:
    thread = a.new()
    created = a.data("GET", thread)["createdAt"]
    time.sleep(1.05)
    assert a.data("PATCH", thread, {"title": "x"})["createdAt"] == created


def state_delete_takes_namesakes(a: Api, b: Api) -> None:
    one, other = a.new(title="same"), a.new(title="same")
    a.data("DELETE", one)
    assert a.status("GET", other) == 200


def state_deleted_still_listed(a: Api, b: Api) -> None:
    thread = a.new()
    a.data("DELETE", thread)
    assert thread[1:] not in [shown["id"] for shown in a.pages()]


def state_empty_text_removes(a: Api, b: Api) -> None:
    assert a.data("PATCH", a.new(), {"metadata": {"k": ""}})["metadata"] == {"k": ""}


def state_expected_revision_ignored(a: Api, b: Api) -> None:
    thread = a.new()
    a.data("PATCH", thread, {"title": "x"})
    assert a.status("PATCH", thread, json={"title": "y", "expectedRevision": 1}) == 409


def state_half_refused(a: Api, b: Api) -> None:
    thread = a.new(title="x", metadata={str(key): "v" for key in range(16)})
    a.ask("PATCH", thread, json={"title": "y", "metadata": {"one more": "v"}})
    assert a.data("GET", thread)["title"] == "x"


def state_keys_snaked(a: Api, b: Api) -> None:
    assert a.data("POST", json={"context": {"fromCity": 1}})["context"] == {"fromCity": 1}


def state_list_shows_first_title(a: Api, b: Api) -> None:
    thread = a.new(title="x")
    a.pages()
    a.data("PATCH", thread, {"title": "y"})
    assert a.pages()[0]["title"] == "y"


def state_messages_outlive_thread(a: Api, b: Api) -> None:
    thread = a.new()
    a.data("DELETE", thread)
    assert a.status("GET", f"{thread}/messages") == 404


def state_metadata_replaced(a: Api, b: Api) -> None:
    shown = a.data("PATCH", a.new(metadata={"x": "1"}), {"metadata": {"y": "2"}})
    assert shown["metadata"] == {"x": "1", "y": "2"}


def state_null_keeps_key(a: Api, b: Api) -> None:
    thread = a.new(metadata={"x": "1"})
    assert a.data("PATCH", thread, {"metadata": {"x": None}})["metadata"] == {}


def state_null_title_ignored(a: Api, b: Api) -> None:
    assert a.data("PATCH", a.new(title="x"), {"title": None})["title"] is None


def state_nulls_dropped(a: Api, b: Api) -> None:
    assert a.data("POST", json={"context": {"x": None}})["context"] == {"x": None}


def state_read_raises_revision(a: Api, b: Api) -> None:
    thread = a.new()
    assert a.data("GET", thread)["revision"] == a.data("GET", thread)["revision"]


def state_restore_forgets_metadata(a: Api, b: Api) -> None:
    thread = a.new(metadata={"x": "1"})
    a.data("POST", f"{thread}/archive")
    a.data("POST", f"{thread}/restore")
    assert a.data("GET", thread)["metadata"] == {"x": "1"}


def state_revision_rises_on_nothing(a: Api, b: Api) -> None:
    assert a.data("PATCH", a.new(title="x"), {"title": "x"})["revision"] == 1


def state_revision_stays_on_archive(a: Api, b: Api) -> None:
    assert a.data("POST", a.new() + "/archive")["revision"] == 2


def state_second_archive_refused(a: Api, b: Api) -> None:
    thread = a.new()
    a.data("POST", f"{thread}/archive")
    assert a.status("POST", f"{thread}/archive") == 200


def state_shared_default(a: Api, b: Api) -> None:
    one, other = a.new(), b.new()
    a.data("PATCH", one, {"metadata": {"x": "1"}})
    assert b.data("GET", other)["metadata"] == {}


def state_stale_read(a: Api, b: Api) -> None:
    thread = a.new(title="x")
    a.data("GET", thread)
    a.data("PATCH", thread, {"title": "y"})
    assert a.data("GET", thread)["title"] == "y"


def state_temperature_float32(a: Api, b: Api) -> None:
    thread = a.new(settings={"temperature": 0.3})
    assert a.data("GET", thread)["settings"]["temperature"] == 0.3


def state_text_normalised(a: Api, b: Api) -> None:
    assert a.data("POST", json={"title": E_ACUTE})["title"] == E_ACUTE


def state_title_reset(a: Api, b: Api) -> None:
    assert a.data("PATCH", a.new(title="x"), {"metadata": {"y": "2"}})["title"] == "x"


def state_zero_is_default(a: Api, b: Api) -> None:
    shown = a.data("POST", json={"settings": {"temperature": 0}})
    assert shown["settings"]["temperature"] == 0
