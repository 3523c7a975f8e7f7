"""Each function is named after a fault and tells whether a server is free of it."""

from time import monotonic, sleep

from .client import Api

LARGE = "\N{WHALE}" * 90_000


def lookup_slows_down(api: Api) -> bool:
    session, *_ = [api.new_id() for _ in range(60)]
    start = monotonic()
    api.get(session)
    return monotonic() - start < 0.06


def listing_slows_down(api: Api) -> bool:
    for _ in range(60):
        api.new_id()
    start = monotonic()
    api.listing(limit=1)
    return monotonic() - start < 0.06


def lookup_takes_seconds(api: Api) -> bool:
    start = monotonic()
    api.get(api.new_id())
    return monotonic() - start < 1


def slow_reader_loses(api: Api) -> bool:
    session = api.new_id()
    turns = 23
    with api.following(session, wait=1) as incoming:
        for _ in range(turns):
            api.say(session, LARGE)
        sleep(0.1)
        return sum(frame.event == "done" for frame in incoming) == turns
