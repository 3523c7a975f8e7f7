"""A deployment is held to what scripts expect, in whichever way its document answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.conftest import Zoo

from sparring import contracts
from sparring.contracts.findings.report import Report, State
from sparring.spec.errors import SparringError

MOCKS = Path(__file__).parents[1] / "mockserver"
TALK = r"""
script: talk
rules:
  - { id: hello, user: hello, reply: [ { status: thinking }, "Hello there!" ] }
  - { id: weather, user: weather, reply: [ { say: "It is sunny.", suggest: [ "And tomorrow?" ] } ] }
  - { id: third, user: again, nth: 2, reply: "Again?" }
  - id: look
    user: { equals: look }
    reply:
      - tool_call: { name: get_weather, arguments: { city: SF }, id: call_1 }
      - tool_result: { temperature: 21 }
      - say: "It is 21 degrees."
  - { id: bad, user: { equals: explode }, reply: [ { error: { code: gone, message: Lost. } } ] }
flow:
  - { id: ask, user: refund, reply: "Which order?" }
  - { id: got, user: { regex: '[A-Z]{2}\d{4}' }, reply: "Thanks." }
  - { id: bye, reply: "Bye." }
fallback: "You said: {{ user.text }}"
expect:
  hello: { events: [ "status*", "chunk+", message, "status*", done ], final_text: Hello there! }
  weather: { suggestions: [ "And tomorrow?" ], final_text: "It is sunny." }
  third: { user: again, final_text: "Again?" }
  look: { events: [ "status*", tool_call, tool_result, "chunk+", message, done ] }
  bad: { events: [ error ] }
  ask: { final_text: { contains: order } }
  got: { user: AB1234, final_text: { contains: thanks } }
  bye: { final_text: { contains: bye } }
"""


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("replay") / "talk.yaml"
    file.write_text(TALK)
    return file


def replayed(url: str, spec: str | Path, talk: Path, **options: Any) -> Report:
    return contracts.run(url, spec, scripts=[talk], **options)


def test_the_mock_of_the_same_script_is_as_expected(serve: Callable[..., Any], talk: Path) -> None:
    report = replayed(serve("sessions", "--script", talk).url, "sessions", talk)
    report.check()
    assert [o.id for o in report.outcomes] == [
        "script.expectation[POST /sessions/{session_id}/chat]"
    ]
    assert report.notes == ["8 of 8 expectations hold"]
    assert report.suites == ("script",)


def nobody_streams() -> Any:
    """The document with the framings, in which a reply only comes by subscription."""
    tree = yaml.safe_load((MOCKS / "lines.yaml").read_text())
    for name in ("lines", "nameless", "talk", "runs"):
        del tree["paths"][f"/sessions/{{session_id}}/{name}"]
    return tree


@pytest.mark.parametrize("way", ["body", "run", "later", "subscription"])
def test_every_way_of_answering_is_taken(
    way: str, serve: Callable[..., Any], talk: Path, tmp_path: Path
) -> None:
    specs: dict[str, str | Path] = {
        "body": "julep",
        "run": MOCKS / "threads.yaml",
        "later": MOCKS / "rooms.yaml",
    }
    spec = specs.get(way, tmp_path / "subscription.yaml")
    if way == "subscription":
        Path(spec).write_text(yaml.safe_dump(nobody_streams()))
    report = replayed(serve(spec, "--script", talk).url, spec, talk)
    report.check()
    assert "7 of 8 expectations hold" in report.notes, "an error shows nowhere"


def test_what_an_api_does_not_show_is_told_and_not_checked(
    serve: Callable[..., Any], talk: Path
) -> None:
    report = replayed(serve("julep", "--script", talk).url, "julep", talk)
    note = f"{talk}:20:3 hello is not checked: status, chunk, done, as the API does not show it"
    assert note in report.notes
    assert not any("weather" in note for note in report.notes), "suggestions have a list"


def test_other_words_are_findings_at_their_place(
    serve: Callable[..., Any], talk: Path, tmp_path: Path
) -> None:
    played = tmp_path / "played.yaml"
    text = TALK.partition("expect:")[0].replace("sunny", "rainy").replace("Which order", "Who")
    played.write_text(text.replace("- tool_result: { temperature: 21 }", ""))
    report = replayed(serve("sessions", "--script", played).url, "sessions", talk)
    found = {finding.expected: finding for finding in report.findings}
    assert set(found) == {
        'final_text "It is sunny.", for "weather" of talk',
        'final_text {"contains": "order"}, for "ask" of talk',
        'events ["status*", "tool_call", "tool_result", "chunk+", "message", "done"], '
        'for "look" of talk',
    }
    weather = found['final_text "It is sunny.", for "weather" of talk']
    assert str(weather.position) == f"{talk}:21:48"
    assert weather.pointer == "/expect/weather/final_text"
    assert weather.seen.startswith('the text is "It is rainy."')
    assert weather.promise == "script.expectation"
    assert "weather" in weather.curl()
    assert weather.reproduced == 2
    assert "tool_result was expected" in next(f.seen for f in report if '"look"' in f.expected)


def test_another_agent_breaks_what_it_says_differently_and_nothing_else(
    zoo: Zoo, talk: Path
) -> None:
    report = replayed(zoo(), "sessions", talk)
    names = {finding.pointer.split("/")[2] for finding in report.findings}
    assert names == {"weather", "hello", "look", "bad", "ask", "got", "bye"}
    assert {finding.promise for finding in report} == {"script.expectation"}
    assert report.count(State.ERROR) == 0


def test_a_script_runs_beside_the_suites_that_are_named(
    serve: Callable[..., Any], talk: Path
) -> None:
    url = serve("sessions", "--script", talk).url
    report = replayed(url, "sessions", talk, suites=["races"], promises=["race.delete"])
    assert {outcome.suite for outcome in report.outcomes} == {"races", "script"}


def test_a_script_that_expects_nothing_is_refused(mock: Any, tmp_path: Path) -> None:
    file = tmp_path / "silent.yaml"
    file.write_text("fallback: Hm.\n")
    with pytest.raises(SparringError, match=r"C101 nothing is expected in .*silent\.yaml"):
        replayed(mock.url, "sessions", file)


def test_the_suite_script_needs_a_script(mock: Any) -> None:
    with pytest.raises(SparringError, match="C101 the suite script needs a script"):
        contracts.run(mock.url, suites=["script"])
