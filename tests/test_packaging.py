"""What is installed is what the rooms hold: wheel and sdist are built and looked into."""

import importlib.metadata
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("spec", "fixtures", "mockserver", "contracts")
HEAVY = {
    "faker",
    "httpcore2",
    "hypothesis",
    "jsonschema_rs",
    "schemathesis",
    "starlette",
    "uvicorn",
    "yaml",
}


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(*options: str, into: Path) -> Path:
    run(sys.executable, "-P", "-m", "build", "--no-isolation", *options, "--outdir", into, ROOT)
    return into


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, built from the checkout."""
    return build("--wheel", into=tmp_path_factory.mktemp("direct"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    return build(into=tmp_path_factory.mktemp("published"))


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def wheel_contents(folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(only(folder, "*.whl")) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def package_contents(folder: Path) -> dict[str, bytes]:
    """What the wheel installs, without what it says about itself."""
    contents = wheel_contents(folder)
    return {name: contents[name] for name in contents if ".dist-info/" not in name}


def files_of(folder: Path) -> Iterator[PurePosixPath]:
    """Every file below the folder, but for what Python and the desktop leave there."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part == "__pycache__" or part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden:
            yield PurePosixPath(name)


def rooms() -> dict[str, bytes]:
    return {
        f"{room}/{name}": (ROOT / room / name).read_bytes()
        for room in ROOMS
        for name in files_of(ROOT / room)
    }


def house() -> dict[str, bytes]:
    """What lies in src/sparring beside the links to the rooms."""
    folder = ROOT / "src" / "sparring"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_wheel_holds_the_rooms_and_nothing_else(direct: Path) -> None:
    expected = {f"sparring/{name}": content for name, content in (rooms() | house()).items()}
    built = package_contents(direct)
    assert sorted(built) == sorted(expected)
    assert built == expected


def test_wheel_has_one_package_at_the_top(direct: Path) -> None:
    tops = {name.partition("/")[0] for name in wheel_contents(direct)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sparring"}


def test_wheel_brings_types_and_data(direct: Path) -> None:
    names = [PurePosixPath(name) for name in package_contents(direct)]
    assert PurePosixPath("sparring/py.typed") in names
    assert [name for name in names if name.suffix in {".yaml", ".json"}]


def test_wheel_announces_the_command_and_the_plugin(direct: Path) -> None:
    contents = wheel_contents(direct)
    (text,) = (contents[name] for name in contents if name.endswith("/entry_points.txt"))
    assert text.decode().split() == [
        "[console_scripts]",
        *("sparring", "=", "sparring.cli:main"),
        "[pytest11]",
        *("sparring", "=", "sparring.contracts.plugin"),
    ]


def test_wheel_from_the_sdist_is_the_wheel_from_the_checkout(direct: Path, published: Path) -> None:
    assert package_contents(published) == package_contents(direct)


def test_sdist_holds_the_real_rooms_and_no_link(published: Path) -> None:
    with tarfile.open(only(published, "*.tar.gz")) as sdist:
        members = {member.name.partition("/")[2]: member for member in sdist.getmembers()}
    assert not [name for name, member in members.items() if member.issym() or member.islnk()]
    assert set(rooms()) <= set(members)
    assert not [name for name in members if name.startswith(".venv")]
    beside = {name for name in members if name.startswith("src/sparring/")}
    assert beside == {f"src/sparring/{name}" for name in house()}


def test_plugin_that_every_pytest_loads_imports_nothing_heavy() -> None:
    code = "import sys, sparring.contracts.plugin; print(*sys.modules, sep='\\n')"
    imported = set(run(sys.executable, "-P", "-c", code).split())
    assert "sparring.contracts.plugin" in imported
    assert not imported & HEAVY


def test_command_of_the_wheel_runs_without_the_extra(direct: Path, tmp_path: Path) -> None:
    wheel = only(direct, "*.whl")
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    library = only(tmp_path, "venv/lib/python*/site-packages")
    for name in light_install(wheel):
        link_distribution(name, library)

    absent = "from importlib.util import find_spec as f; print(f('schemathesis'), f('httpcore2'))"
    assert run(python, "-c", absent).split() == ["None", "None"]
    version = only(direct, "*.whl").name.split("-")[1]
    assert version in run(tmp_path / "venv" / "bin" / "sparring", "--version").split()


def light_install(wheel: Path) -> set[str]:
    """The distributions that come with the wheel when no extra is asked for."""
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        announced = message_from_bytes(opened.read(name)).get_all("Requires-Dist", [])
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in announced]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        found.add(requirement.name)
        for wanted in {"", *requirement.extras}:
            if (requirement.name, wanted) not in seen:
                seen.add((requirement.name, wanted))
                further = importlib.metadata.requires(requirement.name) or []
                waiting += [(Requirement(text), wanted) for text in further]
    return found


def link_distribution(name: str, library: Path) -> None:
    """Lend a distribution of the environment that runs the tests to another one."""
    distribution = importlib.metadata.distribution(name)
    for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        if not (library / top).exists():
            (library / top).symlink_to(Path(str(distribution.locate_file(top))))


def test_development_environment_has_the_extra() -> None:
    match project():
        case {
            "project": {"optional-dependencies": {"test": list(extra)}},
            "dependency-groups": {"dev": list(dev)},
        }:
            assert set(extra) <= set(dev)
        case other:
            pytest.fail(f"pyproject.toml has no extra `test` or no group `dev`: {sorted(other)}")


def test_constraints_are_exact_versions_that_pyproject_allows() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned: dict[str, str] = {}
    for line in lines:
        if not line.startswith("#"):
            name, version = line.split("==")
            pinned[canonicalize_name(name)] = version
    assert not {"pip", "setuptools", "sparring"} & set(pinned)
    match project():
        case {"project": {"dependencies": list(runtime)}, "dependency-groups": {"dev": list(dev)}}:
            for requirement in map(Requirement, [*runtime, *dev]):
                version = pinned[canonicalize_name(requirement.name)]
                assert version in requirement.specifier, requirement
        case _:
            pytest.fail("pyproject.toml has no dependencies or no group `dev`")
