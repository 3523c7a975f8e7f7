"""Pages that this machine serves may use the mock; pages from elsewhere may not read it."""

from typing import Any

import httpx2
import pytest

KEY = {"Authorization": "Bearer alice-key"}


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:3000"])
def test_a_page_of_this_machine_may_send_and_read(mock: Any, origin: str) -> None:
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,last-event-id",
    }
    allowed = httpx2.options(f"{mock.url}/sessions", headers=preflight)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == origin
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    made = httpx2.post(
        f"{mock.url}/sessions", headers={**KEY, "Origin": origin}, json={"agent_id": "a"}
    )
    assert made.status_code == 201
    assert made.headers["access-control-allow-origin"] == origin
    assert "ETag" in made.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example"])
def test_a_page_from_elsewhere_may_not_read(mock: Any, origin: str) -> None:
    answer = httpx2.get(f"{mock.url}/sessions", headers={**KEY, "Origin": origin})
    assert "access-control-allow-origin" not in answer.headers
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    refused = httpx2.options(f"{mock.url}/sessions", headers=preflight)
    assert "access-control-allow-origin" not in refused.headers
