"""The servers of `../shared/servers`, each in the environment that the Makefile makes for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import ABSENT, ROOT
from tests.servers.faults import ADK, AGNO
from tests.servers.faulty import Server, copies, free_port, started


def prepared(shared: Path, name: str, environment: str, folder: Path) -> Path:
    """The environment of a server whose files are copied; skips where this machine has none."""
    source = shared / "servers" / name
    if not source.is_dir():
        pytest.skip(f"{ABSENT} {name} is not among the third-party servers")
    if not (ROOT / environment / "complete").exists():
        pytest.skip(f"the environment of {name} is missing: `make test` makes it")
    shutil.copytree(source, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    return ROOT / environment


def site(environment: Path) -> Path:
    return next((environment / "lib").glob("python3.*/site-packages"))


@pytest.fixture(scope="session")
def adk(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("adk")
    environment = prepared(shared, "google-adk", ".venv-adk", folder)
    copies(folder, site(environment), ADK)
    port = free_port()
    memory = ("--session_service_uri", "memory://", "--artifact_service_uri", "memory://")
    command: list[str | Path] = [environment / "bin" / "adk", "api_server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--no-reload", *memory, "agents"]
    with started(command, folder, port) as url:
        yield Server("google-adk", url, folder, ("", ""))


@pytest.fixture(scope="session")
def agno(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("agno")
    environment = prepared(shared, "agno", ".venv-agno", folder)
    copies(folder, site(environment), AGNO)
    port = free_port()
    command: list[str | Path] = [
        environment / "bin" / "uvicorn",
        "agent:app",
        "--host",
        "127.0.0.1",
    ]
    command += ["--port", str(port), "--no-access-log"]
    more = {
        "OS_SECURITY_KEY": "sesame",
        "AGNO_TELEMETRY": "false",
        "AGNO_MONITOR": "false",
        "AGNO_DB": str(folder / "agno.db"),
    }
    with pytest.MonkeyPatch.context() as patch, started(command, folder, port, **more) as url:
        patch.setenv("OS_SECURITY_KEY", "sesame")
        yield Server("agno", url, folder, ("sesame", "sesame"))
