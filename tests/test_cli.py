"""The command line as a user meets it: what is wrong is told with its place, not by a traceback."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparring.spec.openapi.document import BUNDLED, load_document
from sparring.spec.openapi.schemas import View
from sparring.spec.streams.sse import Parser

DOCUMENT = """\
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /a:
    get:
      responses: {'200': {description: ok}}
"""


def sparring(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sparring.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def refused(*arguments: str | Path) -> str:
    """What a command that can't be carried out says."""
    done = sparring(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def make(name: str, text: str) -> Path:
        file = tmp_path / name
        file.write_text(text)
        return file

    return make


Write = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2\n", ":2:1 D102 "),
        ("a:\n\tb: 1\n", ":2:1 D102 "),
        ("- a\n", ":1:1 D110 "),
        ("openapi: 2.0\n", ":1:1 D110 "),
        (DOCUMENT.replace("get:", "get: ["), ":7:1 D102 "),
        (DOCUMENT.replace("responses:", "x-session: {rol: x}\n      responses:"), ":6:19 D140 "),
        (DOCUMENT + "servers: [&a [*a]]\n", ":7:15 D105 "),
        (DOCUMENT + "x: " + "[" * 100_000, ":7:"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "fixtures"])
def test_a_broken_document_is_told_with_file_line_and_column(
    write: Write, tmp_path: Path, command: str, text: str, place: str
) -> None:
    file = write("document.yaml", text)
    more = ["-o", tmp_path / "out"] if command == "fixtures" else ["--port", "0"]
    assert f"{file}{place}" in refused(command, file, *more)


def test_a_script_in_place_of_a_document_is_told(write: Write) -> None:
    told = refused("serve", write("pizza.yaml", "rules: [{user: hi, reply: Hi!}]\n"), "--port", "0")
    assert "It looks like a script: say --script before its name." in told


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("      parameters: [{name: x}]\n", ":7:20 D111 "),
        ("      parameters: [{name: x, in: query, schema: {pattern: '['}}]\n", ":7:50 D130 "),
        ("components: {schemas: {A: {$ref: ../../passwd}}}\n", ":7:28 D121 "),
    ],
)
def test_what_is_wrong_with_a_document_is_told_and_the_rest_of_it_is_served(
    write: Write, tmp_path: Path, serve: Callable[..., Any], text: str, place: str
) -> None:
    import httpx2

    file = write("document.yaml", DOCUMENT + text)
    server = serve(file)
    assert httpx2.get(f"{server.url}/a").status_code == 200
    assert f"{file}{place}" in server.stop()
    done = sparring("fixtures", file, "-o", tmp_path / "out")
    assert done.returncode == 0


def test_every_mistake_of_a_script_is_told_at_once_with_the_line(write: Write) -> None:
    file = write("agent.yaml", "rules:\n  - user: true\n    reply: '{{ x }}'\nfalback: x\n")
    told = refused("serve", "--script", file, "--port", "0")
    assert [line for line in told.splitlines() if line.startswith(str(file))] == [
        f"{file}:2:11 S102 this should be a text, and true is a truth value in YAML. "
        'Put it in quotes: "true".',
        f'{file}:3:16 S105 there is no "x". '
        "Known are user, turn, match, vars, slots, session, headers, "
        "tool.",
        f'{file}:4:1 S101 unknown key "falback" in a script. Did you mean "fallback"?',
    ]
    assert "    falback: x\n    ^" in told


def test_a_broken_overlay_is_told_with_file_line_and_column(write: Write) -> None:
    document = write("document.yaml", DOCUMENT)
    for text, place in (
        ("overlay: 1.0.0\nactions:\n  - target: $.nowhere\n    update: {}\n", ":3:5 O103 "),
        ("overlay: 1.0.0\nactions:\n  - target: '$['\n    update: {}\n", ":3:5 O102 "),
        ("overlay: 9.0.0\nactions: []\n", ":1:1 O101 "),
        ("overlay: 1.0.0\nactions: [{target: $, updte: {}}]\n", ":2:23 O101 "),
    ):
        file = write("overlay.yaml", text)
        assert f"{file}{place}" in refused("serve", document, "--overlay", file, "--port", "0")


def test_with_several_documents_an_overlay_must_name_its_own(write: Write) -> None:
    overlay = write("overlay.yaml", "overlay: 1.0.0\nactions: [{target: $, update: {}}]\n")
    for given in (overlay, f"sessions-2={overlay}", f"={overlay}"):
        told = refused("serve", "sessions", "julep", "--overlay", given, "--port", "0")
        assert f"C101 --overlay {given}" in told
        assert "--overlay sessions=FILE; the documents are sessions, julep" in told


def test_a_broken_document_among_several_is_told(write: Write) -> None:
    file = write("document.yaml", "openapi: [")
    assert f"{file}:2:1 D102" in refused("serve", "sessions", file, "--port", "0")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert str(missing) in refused("serve", missing)
    assert str(missing) in refused("serve", "--script", missing)
    assert str(missing) in refused("serve", "--overlay", missing)
    assert str(missing) in refused("fixtures", missing, "-o", tmp_path / "out")
    assert str(tmp_path) in refused("serve", tmp_path)
    assert 'Did you mean "sessions"?' in refused("serve", "sesions")


def test_a_port_in_use_is_told_with_a_way_out() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        told = refused("serve", "--port", str(port))
    assert f"127.0.0.1:{port}" in told
    assert "--port 0" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "99999"),
        ("serve", "--port", "-1"),
        ("serve", "--port", "http"),
        ("serve", "--host", "no.such.host.invalid", "--port", "0"),
        ("serve", "--host", "a" * 300, "--port", "0"),
        ("serve", "--key", "alice"),
        ("serve", "--key", "=key"),
        ("serve", "--bogus"),
        ("fixtures",),
        ("fixtures", "-o", "/dev/null/x"),
        ("fixtures", "-o", "x", "--count", "0"),
        ("bake",),
    ],
    ids=lambda a: " ".join(a)[:30],
)
def test_wrong_usage_ends_with_status_2(arguments: tuple[str, ...]) -> None:
    assert refused(*arguments)


def test_the_url_of_a_host_of_version_6_can_be_used(serve: Callable[..., Any]) -> None:
    import httpx2

    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("absent: IPv6")
    server = serve("--host", "::1")
    headers = {"X-API-Key": "alice-key"}
    assert httpx2.get(f"{server.url}/sessions", headers=headers).status_code == 200


def test_a_key_of_ones_own_is_added(serve: Callable[..., Any]) -> None:
    import httpx2

    server = serve("--key", "carol=carol=key")
    for key, status in (("carol=key", 200), ("alice-key", 200), ("carol", 401)):
        headers = {"X-API-Key": key}
        assert httpx2.get(f"{server.url}/sessions", headers=headers).status_code == status


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.mark.parametrize("name", BUNDLED)
def test_fixtures_are_the_same_bytes_for_the_same_seed_and_all_valid(
    tmp_path: Path, name: str
) -> None:
    for run, seed in (("1", "7"), ("2", "7"), ("3", "8")):
        arguments = (name, "-o", tmp_path / run, "--seed", seed, "--count", "3")
        done = sparring("fixtures", *arguments, PYTHONHASHSEED=run)
        assert done.returncode == 0, done.stderr
    first, second, other = (contents(tmp_path / run) for run in "123")
    assert first == second
    assert first.keys() == other.keys()
    assert first != other

    document = load_document(name)
    for file, data in first.items():
        folder, _, rest = file.partition("/")
        if folder == "schemas":
            path = ("components", "schemas", rest.partition(".")[0])
            assert document.schemas.at(path, View.RESPONSE).violations(json.loads(data)) == []
        elif rest.endswith(".json"):
            id = rest.rpartition("/")[2].partition(".")[0]
            operation = next(o for o in document.operations if o.id == id)
            assert operation.success is not None
            media = operation.media(operation.success[0], "application/json")
            assert media is not None
            assert media.schema is not None
            violations = document.schemas.at(media.schema, View.RESPONSE).violations(
                json.loads(data)
            )
            assert violations == [], file
    schemas = document.source.tree["components"]["schemas"]
    assert {f"schemas/{schema}.json" for schema in schemas} <= first.keys()
    listed = json.loads(first["manifest.json"])["files"]
    assert listed == {
        file: hashlib.sha256(data).hexdigest()
        for file, data in first.items()
        if file != "manifest.json"
    }


def test_the_files_of_a_conversation_agree(tmp_path: Path) -> None:
    assert sparring("fixtures", "-o", tmp_path, "--seed", "1").returncode == 0
    whole, streamed = (tmp_path / "conversations" / n for n in ("default", "default.streamed"))

    def read(name: str, folder: Path = whole) -> Any:
        return json.loads((folder / f"{name}.json").read_text())

    session, history = read("getSession"), read("getHistory")["items"]
    assert session["message_count"] == len(history) == read("getHistory")["total"]
    assert session in read("listSessions")["items"]
    assert session["id"] == read("createSession")["id"]
    assert session["created_at"] <= history[0]["created_at"]
    assert max(row["created_at"] for row in history) <= session["updated_at"]
    assert {s["session_id"] for s in read("getSuggestions")["items"]} == {session["id"]}
    assert {s["message_id"] for s in read("getSuggestions")["items"]} <= {r["id"] for r in history}
    replies = [m for name in ("chat", "chat.2", "chat.3", "chat.4") for m in read(name)["messages"]]
    assert replies == [r for r in history[1:] if r["role"] == "assistant"]
    pieces = [
        json.loads(event.data)["text"]
        for name in ("chat", "chat.2", "chat.3", "chat.4")
        for event in Parser().feed((streamed / f"{name}.sse").read_bytes())
        if event.event == "chunk"
    ]
    said = [r["content"] for r in history[1:] if r["role"] == "assistant"]
    assert "".join(pieces) == "".join(said)


def test_scenes_are_listed_and_told_by_name(tmp_path: Path) -> None:
    listed = json.loads(sparring("script", "scenes", "--json").stdout)
    assert {"name", "language", "turns", "title", "summary"} == set(listed[0])
    names = [row["name"] for row in listed]
    told = sparring("script", "scenes").stdout
    assert all(name in told for name in names)
    options = ("-o", tmp_path, "--scene", "refund", "--scene", "short", "--only", "refund")
    assert sparring("fixtures", *options).returncode == 0
    assert contents(tmp_path / "conversations").keys() >= {"refund/getSession.json"}
    assert "all files are up to date" in sparring("fixtures", "-o", tmp_path, "--check").stdout
    assert 'Did you mean "refund"?' in refused("fixtures", "-o", tmp_path, "--scene", "refnd")
    assert 'Did you mean "refund"?' in refused("serve", "--scene", "refnd", "--port", "0")


def test_the_first_scene_plays_and_the_others_when_asked_for(serve: Callable[..., Any]) -> None:
    import httpx2

    server = serve("--scene", "refund", "--scene", "short")

    def says(text: str, **headers: str) -> tuple[Any, str]:
        sent = {"X-API-Key": "alice-key", **headers}
        with httpx2.Client(base_url=server.url, headers=sent) as client:
            session = client.post("/sessions", json={"agent_id": "x"}).json()
            body = {"messages": [{"role": "user", "content": text}]}
            answer = client.post(f"/sessions/{session['id']}/chat", json=body).json()
        return session, answer["messages"][-1]["content"]

    session, reply = says("I want a refund")
    assert session["title"].startswith("Refund for order ")
    assert session["title"].split()[-1] in session["summary"]
    assert "order" in reply
    assert says("7 * 7", **{"X-Sparring-Scene": "short"})[1].strip("=. ").isdigit()


def test_serve_answers_within_about_a_second() -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "sparring.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "serves Agent sessions on http://127.0.0.1:" in process.stdout.readline()
        took = time.monotonic() - began
        process.terminate()
    assert took < 5, "loose, for a busy machine; alone it takes a fraction of a second"


def test_serve_imports_nothing_that_only_tests_need(tmp_path: Path) -> None:
    code = """
import sys
from sparring.mockserver.app import create_app
import sparring.cli, sparring.mockserver.serve, uvicorn
from sparring.mockserver.mounts import Mounts
from sparring.mockserver.reloading import follow
from sparring.spec.openapi.document import BUNDLED
Mounts({name: create_app(name) for name in BUNDLED})
heavy = "schemathesis hypothesis pytest faker httpx2 jsonschema jinja2 redis jsonpath".split()
print(sorted(set(heavy) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_check_says_which_fixtures_have_changed_and_why(tmp_path: Path) -> None:
    spec, folder = tmp_path / "api.yaml", tmp_path / "fixtures"
    text = (Path(__file__).parents[1] / "spec" / "sessions.yaml").read_text()
    spec.write_text(text)
    assert sparring("fixtures", spec, "-o", folder, "--only", "T*", "--only", "Id").returncode == 0
    done = sparring("fixtures", spec, "-o", folder, "--check")
    assert (done.returncode, done.stdout) == (0, "all files are up to date\n")

    (folder / "schemas" / "Id.json").write_text('"another-id"\n')
    (folder / "schemas" / "Text.json").unlink()
    spec.write_text(
        text.replace("\n    TurnError:", "\n    TurnFault:").replace("TurnError", "TurnFault")
    )
    done = sparring("fixtures", spec, "-o", folder, "--check")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "schemas/Id.json: changed by hand",
        "schemas/Text.json: missing",
        "schemas/TurnError.json: no longer made: api.yaml has changed",
        "schemas/TurnFault.json: new: api.yaml has changed",
        "4 files are out of date",
    ]
    (folder / "manifest.json").write_text("{}")
    done = sparring("fixtures", spec, "-o", folder, "--check")
    assert done.returncode == 2
    assert "manifest.json is not a manifest" in done.stderr


def test_the_help_of_fixtures_names_every_format() -> None:
    from sparring.fixtures.writers import FORMATS

    helped = sparring("fixtures", "--help").stdout
    assert [name for name in FORMATS if not re.search(rf"\b{name}\s+\(", helped)] == []


def test_a_dictionary_and_locales_say_what_properties_hold(tmp_path: Path) -> None:
    spec, words = tmp_path / "api.yaml", tmp_path / "words.yaml"
    spec.write_text(
        "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\npaths: {}\n"
        "components: {schemas: {Order: {type: object, required: [plan, city_iban], "
        "properties: {plan: {type: string}, city_iban: {type: string}}}}}\n"
    )
    words.write_text("plan: [gold]\n'*_iban': { x-faker: iban }\n")
    options = ("--locale", "de_DE", "--dictionary", words, "--only", "Order")
    done = sparring("fixtures", spec, "-o", tmp_path / "made", *options)
    assert done.returncode == 0, done.stderr
    order = json.loads((tmp_path / "made" / "schemas" / "Order.json").read_text())
    assert order["plan"] == "gold"
    assert order["city_iban"].startswith("DE")
    words.write_text("plan: [silver]\n")
    done = sparring("fixtures", spec, "-o", tmp_path / "made", "--check")
    assert (done.returncode, "words.yaml has changed" in done.stdout) == (1, True)
    done = sparring("fixtures", spec, "-o", tmp_path / "made", "--locale", "xx_XX")
    assert done.returncode == 2
    assert "F102" in done.stderr
