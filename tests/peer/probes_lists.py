"""Probes of the list of sessions, and of the active one."""

import json
import time

from .client import BOB, Client
from .probing import shows


def _ids(c: Client, **query: object) -> list[str]:
    return [f"/sessions/{one['id']}" for one in c.items("/sessions", **query)]


def _having(c: Client, **metadata: object) -> list[str]:
    return _ids(c, metadata_filter=json.dumps(metadata))


@shows("list-without-summary")
def list_row_is_the_session(c: Client) -> None:
    path = c.session()
    assert c.items("/sessions") == [c.get(path)]


@shows("list-caches-titles")
def list_after_patch(c: Client) -> None:
    path = c.session(title="old")
    c("PATCH", path, {"title": "new"})
    assert c.items("/sessions")[0]["title"] == "new"


@shows("active-not-listed")
def active_is_listed(c: Client) -> None:
    made = c.get("/sessions/active")
    assert c.items("/sessions") == [made]


@shows("active-of-anyone")
def active_is_mine(c: Client) -> None:
    mine = c.session()
    c.session(BOB)
    assert c.get("/sessions/active") == c.get(mine)


@shows("active-last-changed")
def active_is_made_last(c: Client) -> None:
    first, second = c.session(), c.session()
    c("PATCH", first, {"title": "x"})
    assert c.get("/sessions/active")["id"] == second.split("/")[-1]


@shows("active-forgotten-on-delete")
def active_after_delete(c: Client) -> None:
    first, second = c.session(), c.session()
    c("DELETE", second)
    assert c.get("/sessions/active")["id"] == first.split("/")[-1]


@shows("ties-newest-first")
def ties_keep_their_order(c: Client) -> None:
    made = [c.session() for _ in range(20)]
    listed = c.items("/sessions")
    times = [one["created_at"] for one in listed]
    place = [made.index(f"/sessions/{one['id']}") for one in listed]
    pairs = zip(times, place, times[1:], place[1:], strict=False)
    assert times == sorted(times, reverse=True)
    assert all(one < two for time1, one, time2, two in pairs if time1 == time2)


@shows("updated-asc-by-creation")
def sorted_by_update(c: Client) -> None:
    first = c.session()
    time.sleep(0.03)
    second = c.session()
    time.sleep(0.03)
    c("PATCH", first, {"title": "x"})
    assert _ids(c, sort_by="updated_at", order="asc") == [second, first]


@shows("total-of-later-page", "offset-counts-pages")
def second_page(c: Client) -> None:
    for _ in range(5):
        c.session()
    everything = _ids(c)
    page = c.get("/sessions", offset=2, limit=2)
    assert [f"/sessions/{one['id']}" for one in page["items"]] == everything[2:4]
    assert page["total"] == 5


@shows("filter-shows-everyone")
def filter_of_my_sessions(c: Client) -> None:
    c.session(BOB, metadata={"shelf": 1})
    assert _having(c, shelf=1) == []


@shows("filter-text-equals-number", "filter-true-equals-one")
def filter_by_exact_value(c: Client) -> None:
    one = c.session(metadata={"x": 1})
    text = c.session(metadata={"x": "1"})
    yes = c.session(metadata={"x": True})
    assert [_having(c, x=1), _having(c, x="1"), _having(c, x=True)] == [[one], [text], [yes]]


@shows("filter-nested-subset")
def filter_by_nested_value(c: Client) -> None:
    c.session(metadata={"x": {"a": 1, "b": 2}})
    assert _having(c, x={"a": 1}) == []


@shows("filter-null-is-missing")
def filter_by_null(c: Client) -> None:
    c.session()
    null = c.session(metadata={"x": None})
    assert _having(c, x=None) == [null]


@shows("filter-any-key")
def filter_by_two_keys(c: Client) -> None:
    c.session(metadata={"x": 1})
    both = c.session(metadata={"x": 1, "y": 2})
    assert _having(c, x=1, y=2) == [both]


@shows("filter-lost-on-later-page", "total-counts-deleted")
def second_page_of_a_filter(c: Client) -> None:
    c.session(metadata={"x": 1})
    c("DELETE", c.session())
    c.session()
    assert _ids(c, metadata_filter='{"x":1}', offset=1) == []
    assert c.get("/sessions")["total"] == 2


@shows("filter-counts-all", "filter-after-page")
def filter_and_page(c: Client) -> None:
    wanted = c.session(metadata={"x": 1})
    time.sleep(0.03)
    c.session()
    page = c.get("/sessions", metadata_filter='{"x":1}', limit=1)
    assert page["total"] == 1
    assert [f"/sessions/{one['id']}" for one in page["items"]] == [wanted]
