"""No key is shown anywhere, and what is shown instead can be run."""

import base64
import os
import subprocess
from pathlib import Path

import pytest
from tests.contracts.conftest import Zoo
from tests.contracts.test_command import told

from sparring.contracts.reports import KINDS
from sparring.contracts.target.file import Person
from sparring.contracts.target.redaction import redaction
from sparring.spec.exchange import Exchange, Request, Response
from sparring.spec.replay import script

KEY, OTHER, HEADER = "s3cret/key+000001", "0ther-s3cret-key", "h3ader-s3cret"
HIDDEN = redaction(
    (KEY, OTHER),
    {"X-Api-Key": HEADER, "X-Tenant": "seven"},
    (Person(headers={"Authorization": "Token t0ken-of-a-user"}), Person()),
)
BASIC = base64.b64encode(f"{KEY}:".encode()).decode()
SENT = {
    "Authorization": f"Basic {BASIC}",
    "X-Api-Key": HEADER,
    "X-Tenant": "seven",
    "X-Upper": KEY.upper(),
    "X-Start": KEY[:-1],
    "X-End": f"{KEY[1:]}",
    "X-Half": KEY[: len(KEY) // 2],
    "X-More": f"{KEY}x",
    "Cookie": f"a={OTHER}; b=1",
}
EXCHANGE = Exchange(
    Request("POST", "http://h/a?k=s3cret%2Fkey%2B000001&q=1", SENT, f'{{"a": "{KEY}"}}'.encode()),
    Response(200, {"set-cookie": "sid=1"}, f'{{"said": "{KEY}"}}'.encode()),
)


def test_no_report_and_no_file_shows_a_key(zoo: Zoo, tmp_path: Path) -> None:
    target = tmp_path / "target.yaml"
    target.write_text("users: [{headers: {X-Auth-Token: t0ken-of-a-user}, key: $SECRET}, {}]\n")
    os.environ["SECRET"] = KEY
    try:
        code, text = told(
            url=zoo(),
            suites=["races"],
            other_key=OTHER,
            headers=[f"X-Api-Key: {HEADER}"],
            target=target,
            reports=[f"{kind}={tmp_path / kind}" for kind in KINDS],
            journal=tmp_path / "journal",
            written=tmp_path / "baseline",
        )
    finally:
        del os.environ["SECRET"]
    assert code == 0, text  # all is accepted in the baseline that it writes
    target.unlink()
    files = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert set(files) == {*KINDS, "journal", "baseline"}
    for secret in (KEY, OTHER, HEADER, "t0ken-of-a-user"):
        assert [name for name, said in files.items() if secret in said] == []
        assert secret not in text
    assert "$SPARRING_KEY" in files["html"]


@pytest.mark.parametrize("secret", [KEY, OTHER, HEADER, BASIC, KEY[1:], KEY.upper(), "sid=1"])
def test_an_exchange_is_shown_without_its_keys(secret: str) -> None:
    assert secret not in repr(HIDDEN.exchange(EXCHANGE))
    assert secret == "sid=1" or secret not in HIDDEN.text(
        f"the wrong key {secret}x, said {secret}."
    )


def test_the_script_sends_what_was_sent(tmp_path: Path) -> None:
    text = script([HIDDEN.exchange(EXCHANGE)])
    fake = tmp_path / "curl"
    fake.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    keys = {"SPARRING_KEY": KEY, "SPARRING_OTHER_KEY": OTHER, "SPARRING_HEADER_X_API_KEY": HEADER}
    done = subprocess.run(
        ["sh", "-c", text], capture_output=True, text=True, env={"PATH": path, **keys}
    )
    words = [EXCHANGE.request.url]
    words += [word for name, value in SENT.items() for word in ("-H", f"{name}: {value}")]
    assert done.stdout.splitlines() == [
        *["-sS", "-i", "-X", "POST", *words],
        *["--data-binary", EXCHANGE.request.body.decode()],
    ], done.stderr
    missing = subprocess.run(["sh", "-c", text], capture_output=True, text=True, env={"PATH": path})
    assert missing.returncode != 0
    assert "SPARRING_KEY" in missing.stderr


def test_short_keys_are_hidden_where_they_stand_alone() -> None:
    short = redaction(("key", "k"), {}, (Person(), Person()))
    sent = Request("GET", "http://h/keys?key=k", {"Authorization": "Bearer key", "X": "monkey"})
    shown = short.exchange(Exchange(sent, Response(200, {}, b"a key"))).request
    assert shown.headers == {"Authorization": "Bearer ${SPARRING_KEY}", "X": "monkey"}
    assert short.text("a key of monkeys") == "a key of monkeys"


def test_the_keys_of_a_mock_are_no_secret() -> None:
    usual = redaction(("alice-key", "bob-key"), {}, (Person(), Person()))
    assert usual.text("alice-key") == "alice-key"
