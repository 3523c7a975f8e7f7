"""The manual clock: time goes on only when it is told to, and what is due happens in its order."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sparring.fixtures.script import compile_script
from sparring.fixtures.script.cast import Cast
from sparring.fixtures.shaping.wire import Wire
from sparring.mockserver.app import create_app
from sparring.mockserver.worlds.clock import ManualClock, RealClock
from sparring.mockserver.worlds.turns import Journal, RunningTurn
from sparring.mockserver.worlds.world import World
from sparring.spec.model import Session
from sparring.spec.openapi.document import load_document
from sparring.spec.streams import sse
from sparring.spec.text.source import parse
from sparring.spec.turn import Kind, Step, Turn

START = datetime(2030, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
MOMENT = int(START.timestamp()) * 1_000_000 + 678_901


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_it_begins_where_it_is_told_and_every_reading_is_later() -> None:
    clock = ManualClock(START)
    assert [clock.now() for _ in range(3)] == [MOMENT, MOMENT + 1, MOMENT + 2]
    asyncio.run(clock.advance(1.5))
    assert clock.now() == MOMENT + 1_500_000
    for clock_ in (RealClock(), ManualClock()):
        times = [clock_.now() for _ in range(1000)]
        assert times == sorted(set(times))


def test_timers_end_only_by_moving_the_time_and_each_at_its_moment() -> None:
    async def test() -> None:
        clock = ManualClock(START)
        seen: list[tuple[str, int]] = []

        async def wait(name: str, *seconds: float) -> None:
            for each in seconds:
                await clock.timer(each)
                seen.append((name, clock.now() // 1000 - MOMENT // 1000))

        tasks = [asyncio.create_task(wait("a", 1, 1, 1)), asyncio.create_task(wait("b", 1.5, 9))]
        await clock.advance(0.999)
        assert seen == []
        await clock.advance(2.5)
        assert seen == [("a", 1000), ("b", 1500), ("a", 2000), ("a", 3000)]
        assert await clock.advance_to_next() is not None
        assert seen[-1] == ("b", 10_500)
        assert await clock.advance_to_next() is None
        await asyncio.gather(*tasks)

    run(test)


def test_who_cancels_a_timer_does_not_hold_up_the_others() -> None:
    async def test() -> None:
        clock = ManualClock()
        first, second = clock.timer(1), clock.timer(2)
        first.cancel()
        assert await clock.advance_to_next() == 2.0
        assert second.done()
        assert not second.cancelled()

    run(test)


class Local:
    """A mock in this process, whose time the test moves."""

    def __init__(self, script: str) -> None:
        self.clock = ManualClock(START)
        compiled = compile_script(parse(script.encode(), "script.yaml"))
        self._app = create_app(load_document("sessions"), World(Cast([compiled]), clock=self.clock))
        self.sent: list[bytes] = []

    async def ask(self, path: str, body: Any) -> bytes:
        asked = [json.dumps(body).encode()]
        sent: list[bytes] = []

        async def receive() -> Any:
            if asked:
                return {"type": "http.request", "body": asked.pop()}
            return await asyncio.get_running_loop().create_future()

        async def send(message: Any) -> None:
            if data := message.get("body"):
                sent.append(data)
                self.sent.append(data)

        headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer alice-key")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
        await self._app({**scope, "headers": headers}, receive, send)
        return b"".join(sent)

    async def talk(self, text: str) -> asyncio.Task[bytes]:
        made = json.loads(await self.ask("/sessions", {"agent_id": "a"}))
        self.sent.clear()
        path = f"/sessions/{made['id']}/events/stream"
        return asyncio.create_task(self.ask(path, {"type": "message", "content": text}))

    @property
    def chunks(self) -> int:
        return b"".join(self.sent).count(b"event: chunk")


PACED = """
pace: {ttft: 400ms, rate: 10/s}
fallback: "one two three four five"
"""


def test_a_turn_plays_as_far_as_the_time_is_moved() -> None:
    async def test() -> None:
        mock = Local(PACED)
        turn = await mock.talk("hi")
        await mock.clock.advance(0.39)
        assert mock.chunks == 0
        await mock.clock.advance(0.01)
        assert mock.chunks == 1
        await mock.clock.advance(0.25)
        assert mock.chunks == 3
        assert await mock.clock.advance_to_next() is not None
        assert mock.chunks == 4, "one frame"
        await mock.clock.advance(1)
        assert b"event: done" in await turn

    run(test)


def test_ten_thousand_pieces_need_no_time() -> None:
    async def test() -> None:
        text = "word " * 10_000
        mock = Local(f'pace: {{rate: 1/s}}\nfallback: {{say: "{text}", chunk: word}}\n')
        turn = await mock.talk("hi")
        await mock.clock.advance(11_000)
        assert (await turn).count(b"event: chunk") == 10_000
        gone = mock.clock.now() - MOMENT
        assert 11_000_000_000 <= gone < 11_001_000_000

    run(test)


def test_the_same_moves_give_the_same_times() -> None:
    async def play() -> list[bytes]:
        mock = Local(PACED)
        turn = await mock.talk("hi")
        while await mock.clock.advance_to_next() is not None:
            pass
        await turn
        return mock.sent

    assert asyncio.run(play()) == asyncio.run(play())


def test_a_silent_stream_says_that_it_lives() -> None:
    async def test() -> None:
        clock = ManualClock(START)
        world = World(clock=clock)
        wire = Wire(load_document("sessions"))
        session = Session("s", "alice", 0, 0, {})
        await world.store.create("sessions", "alice", "s", json_of(session))
        turn = RunningTurn(world, Journal(world, wire, session), 1, keepalive=15.0)
        say = Step(Kind.MESSAGE, text="ab", pieces=["a", "b"], gaps=[50.0, 14.0])
        steps = [say, Step(Kind.DONE, data={"finish": "stop"})]
        playing = asyncio.create_task(turn.perform(Turn(steps, {}), steps))
        frames: list[bytes] = []

        async def follow() -> None:
            async for frame in turn.follow(wire.stream):
                frames.append(frame)

        following = asyncio.create_task(follow())
        await clock.advance(44)
        assert frames == [sse.COMMENT] * 2
        await clock.advance(5)
        assert frames == [sse.COMMENT] * 3
        await clock.advance(100)
        await asyncio.gather(playing, following)
        assert frames.count(sse.COMMENT) == 3, "fourteen seconds are no silence"
        assert b'"text":"b"' in b"".join(frames)

    run(test)


def json_of(session: Session) -> bytes:
    import msgspec

    return msgspec.json.encode(session)
