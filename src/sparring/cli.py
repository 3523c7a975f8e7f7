"""The command line: `sparring serve`, `test`, `fixtures`, `roles`, `diff`, `script` and `init`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from sparring import __version__
from sparring.spec.errors import Defect, SparringError

USAGE = 2


class _Commands(click.Group):
    """Shows what is wrong with the user's input as it is meant to be read, never as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SparringError as error:
            click.echo(str(error), err=True)
            ctx.exit(USAGE)


class _Script(click.Group):
    """The commands of `sparring script`, imported when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from sparring.fixtures.script.commands import group

        return list(group.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from sparring.fixtures.script.commands import group

        return group.get_command(ctx, cmd_name)


@click.group(cls=_Commands)
@click.version_option(__version__, package_name="sparring")
def main() -> None:
    """A stand-in for any agent-session backend."""


_FILE = click.Path(path_type=Path)
_overlay = click.option(
    "--overlay",
    "overlays",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An OpenAPI Overlay to apply to the document first; may be repeated.",
)


@main.command()
@click.argument("specs", nargs=-1, metavar="[SPEC]...")
@click.option(
    "--script",
    "scripts",
    multiple=True,
    type=click.Path(path_type=Path),
    help="What the agent says; may be repeated, each with its `bind`.",
)
@click.option(
    "--scene",
    "scenes",
    multiple=True,
    metavar="NAME",
    help="A dialogue that comes with sparring (sparring script scenes); may be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 takes a free port.",
)
@click.option("--key", "keys", multiple=True, metavar="USER=KEY", help="Adds a user's key.")
@click.option("--seed", default="sparring", show_default=True, help="Same seed, same ids.")
@click.option("--watch", is_flag=True, help="Take up changes of SPEC, overlays and script.")
@click.option("--seed-data", type=_FILE, metavar="DIR", help="Begin with a dataset of fixtures.")
@_overlay
def serve(
    specs: tuple[str, ...],
    scripts: tuple[Path, ...],
    scenes: tuple[str, ...],
    host: str,
    port: int,
    keys: tuple[str, ...],
    seed: str,
    watch: bool,
    seed_data: Path | None,
    overlays: tuple[Path, ...],
) -> None:
    """Serve a mock of SPEC: a path, or a bundled document (sessions, julep, flux0, sentius).

    Without SPEC it is `sessions`. Several are mounted under their names: /julep, /flux0. Then an
    overlay says which one it is for: --overlay julep=FILE.
    """
    import gc

    gc.disable()  # next to nothing that starting makes is garbage; `run` turns it on again

    from sparring.fixtures.script.declared import refuse_undeclared
    from sparring.fixtures.script.scenes import HEADER
    from sparring.mockserver.app import MockServer
    from sparring.mockserver.mounts import Mounts, names_of
    from sparring.mockserver.reloading import Sources, follow
    from sparring.mockserver.serve import listen
    from sparring.mockserver.serve import serve as run
    from sparring.mockserver.worlds.world import DEFAULT_KEYS, World

    names = names_of(specs := specs or ("sessions",))
    laid = _overlays_of(names, overlays)
    sources = [
        Sources(spec, laid[name], scripts, scenes) for name, spec in zip(names, specs, strict=True)
    ]
    known = {**DEFAULT_KEYS, **dict(_key(text) for text in keys)}
    cast = sources[0].cast()
    apps: dict[str, MockServer] = {}
    for name, source in zip(names, sources, strict=True):
        document = source.document()
        for warning in document.warnings:
            click.echo(f"warning: {warning}", err=True)
        apps[name] = MockServer(document, World(cast=cast, keys=known, seed=seed))
    if seed_data is not None:
        if len(apps) > 1:
            message = "--seed-data is for one document, and there are several"
            raise SparringError(Defect("C101", message, remedy="Serve that document alone."))
        from sparring.mockserver.worlds.saved import load

        first = apps[names[0]]
        load(seed_data, first.document, first.world)
    refuse_undeclared(cast.scripts, [app.document for app in apps.values()])
    app = Mounts(apps) if len(apps) > 1 else apps[names[0]]
    try:
        listener = listen(host, port)
    except OSError as error:
        raise SparringError(
            Defect(
                "C101", f"can't listen on {host}:{port}: {error.strerror}", remedy="Try --port 0."
            )
        ) from None
    name = f"[{host}]" if ":" in host else host
    url = f"http://{name}:{listener.getsockname()[1]}"

    def ready() -> None:
        if len(apps) == 1:
            click.echo(f"sparring serves {apps[names[0]].document.title or names[0]} on {url}")
        else:
            click.echo(f"sparring serves {len(apps)} documents on {url}")
            for name, served in apps.items():
                click.echo(f"  {name}: {served.document.title} on {url}/{name}")
        for agent in cast.scripts:
            bound = " where it is bound" if agent.bind else ""
            if ("headers", HEADER) in agent.bind:
                bound = f" where a request says X-Sparring-Scene: {agent.name}"
            click.echo(f'  the script "{agent.name}" answers{bound}')
        click.echo(f"  keys: {', '.join(known)}")

    pairs = list(zip(apps.values(), sources, strict=True))
    beside = partial(follow, pairs, partial(click.echo, err=True)) if watch else None
    run(app, listener, ready=ready, beside=beside)


def _overlays_of(names: list[str], overlays: tuple[Path, ...]) -> dict[str, list[Path]]:
    """The overlays of each document."""
    if len(names) == 1:
        return {names[0]: list(overlays)}
    found: dict[str, list[Path]] = {name: [] for name in names}
    for overlay in overlays:
        name, sign, file = str(overlay).partition("=")
        if not sign or name not in found:
            remedy = f"Write it as --overlay {names[0]}=FILE; the documents are {', '.join(names)}."
            raise SparringError(Defect("C101", f"--overlay {overlay}", remedy=remedy))
        found[name].append(Path(file))
    return found


@main.command(context_settings={"show_default": True})
@click.argument("url", required=False)
@click.option("--spec", default="sessions", help="A path, or a bundled document.")
@click.option("--key", envvar="SPARRING_KEY", help="The key of a user.  [default: alice-key]")
@click.option(
    "--other-key", envvar="SPARRING_OTHER_KEY", help="That of another user.  [default: bob-key]"
)
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'")
@click.option("--suite", "suites", multiple=True, help="Only this suite; may be repeated.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=FILE",
    help="junit, sarif, html, ndjson, github or arazzo; `-`: standard output; may be repeated.",
)
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="Findings that are accepted for a time."
)
@click.option(
    "--write-baseline", "written", type=click.Path(path_type=Path), help="Accept what is found."
)
@click.option("--explain", metavar="ID", help="Say what a finding or a promise means, and end.")
@click.option("--seed", default=0, help="Same seed, same requests.")
@click.option("--max-examples", default=20, help="Schemathesis cases an operation and phase.")
@click.option("--target", type=_FILE, help="What the target needs: keys, parameters, bodies.")
@click.option("--write-target", type=_FILE, help="Write a target file for SPEC to begin with.")
@click.option("--write-arazzo", type=_FILE, help="Write a session's life as an Arazzo workflow.")
@click.option("--include", multiple=True, metavar="PATTERN", help="Call it too; !: never.")
@click.option("--profile", default="own", help="read-only, own or full: what may be changed.")
@click.option("--max-requests", type=int, metavar="N", help="Send no more requests.")
@click.option("--max-time", default="30m", metavar="TIME", help="Take no longer.")
@click.option("--rate", metavar="N/s", help="Send no more requests a second.")
@click.option("--max-messages", type=int, metavar="N", help="Say no more to agents.")
@click.option("--journal", type=_FILE, help="Note every session that is made, and deleted.")
@click.option("--clean", type=_FILE, metavar="JOURNAL", help="Only delete what a run has left.")
@click.option(
    "--script",
    "scripts",
    multiple=True,
    type=_FILE,
    help="Only what this script expects, beside the suites that are named; may be repeated.",
)
@_overlay
@click.pass_context
def test(ctx: click.Context, /, url: str | None, explain: str | None, **options: Any) -> None:
    """Hold the implementation at URL to a document.

    Exit status: 0 clean, 1 findings, 2 usage or document, 3 the target can't be reached or the
    budget is spent, 4 sparring failed.
    """
    from sparring.contracts.command import explanation, run_tests

    if explain is not None:
        click.echo(explanation(explain, options["spec"], options["overlays"]))
        return
    if url is None and options["write_target"] is None and options["write_arazzo"] is None:
        raise click.UsageError("Missing argument 'URL'.", ctx)
    ctx.exit(run_tests(url or "", **options))


@main.command()
@click.argument("spec", default="sessions")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR")
@click.option("--script", type=click.Path(path_type=Path), help="What the agent says.")
@click.option(
    "--scene", "scenes", multiple=True, metavar="NAME", help="These scenes, not all of them."
)
@click.option("--seed", default="sparring", show_default=True, help="Same seed, same bytes.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 100_000))
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME",
    help="json (files, the default), jsonl (lines), yaml (files), typescript (types), openapi"
    " (examples), pytest (fixtures), msw (handlers), sse (streams), har (browsers), http (editors),"
    " postman (collections), chat (training); may be repeated.",
)
@click.option("--locale", "locales", multiple=True, help="Whose names and words: de_DE, ja_JP.")
@click.option("--dictionary", metavar="FILE", help="What properties hold, by their names.")
@click.option("--only", multiple=True, metavar="PATTERN", help="These schemas, conversations.")
@click.option("--url", help="Where the API is, for formats that call it.")
@click.option("--cover", is_flag=True, help="Also a few values that show all a schema allows.")
@click.option("--edges", is_flag=True, help="Also its extremes, and values with one error each.")
@click.option(
    "--datasets",
    type=click.IntRange(0, 100_000),
    metavar="N",
    help="Also so many small worlds: agents, users, sessions, messages, events.",
)
@click.option("--check", is_flag=True, help="Write nothing: say what in DIR is not as it would be.")
@_overlay
@click.pass_context
def fixtures(
    ctx: click.Context,
    /,
    spec: str,
    output: Path,
    script: Path | None,
    check: bool,
    overlays: tuple[Path, ...],
    **recipe: Any,
) -> None:
    """Write valid example data for SPEC: every schema, and conversations.

    With --check the options are those with which DIR was written; --only narrows it. Exit status:
    0 done, 1 the folder is out of date, 2 usage or document.
    """
    from sparring.mockserver.datasets.writing import check_fixtures, write_fixtures

    if check:
        lines = check_fixtures(spec, output, script, overlays, recipe["only"])
        for line in lines:
            click.echo(line)
        click.echo(f"{len(lines)} files are out of date" if lines else "all files are up to date")
        ctx.exit(bool(lines))
    count = write_fixtures(spec, output, script, overlays, recipe)
    click.echo(f"wrote {count} files to {output}")


@main.command()
@click.argument("spec", default="sessions")
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of a table.")
@click.option(
    "--write-overlay",
    "starter",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what is inferred as an overlay to correct.",
)
@_overlay
def roles(spec: str, as_json: bool, starter: Path | None, overlays: tuple[Path, ...]) -> None:
    """Say what each operation of SPEC means, how sure that is, and why.

    Ends with what is wrong with the document.
    """
    import json

    from sparring.spec.meaning.starter import listed, write_overlay
    from sparring.spec.openapi.document import load_document

    document = load_document(spec, overlays)
    if starter is not None:
        count = write_overlay(document, starter)
        click.echo(f"wrote {count} inferred roles to {starter}", err=True)
    if as_json:
        click.echo(json.dumps(listed(document), indent=2, ensure_ascii=False))
    elif starter is None:
        _print_roles(listed(document))
    for warning in document.check():
        click.echo(f"warning: {warning}", err=True)


@main.command(context_settings={"show_default": True})
@click.argument("old")
@click.argument("new")
@click.option(
    "--format", default="text", type=click.Choice(("text", "markdown", "json")), help="The report."
)
@click.option(
    "--fail-on",
    default="breaking",
    type=click.Choice(("breaking", "unknown", "additive", "never")),
    help="Exit status 1 when a change is this bad, or worse.",
)
@_overlay
@click.pass_context
def diff(
    ctx: click.Context, old: str, new: str, overlays: tuple[Path, ...], format: str, fail_on: str
) -> None:
    """Say what changed between the documents OLD and NEW, and whom it breaks.

    Exit status: 0 nothing as bad as --fail-on, 1 something, 2 usage or document.
    """
    from sparring.spec.diff.command import run_diff

    report, status = run_diff(old, new, overlays=overlays, format=format, fail_on=fail_on)
    click.echo(report)
    ctx.exit(status)


def _print_roles(found: list[dict[str, Any]]) -> None:
    """A table of the operations that have a role; the others are counted."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("role", "operation", "source", "sure", "reason"):
        table.add_column(title, overflow="fold")
    known = [row for row in found if row["role"]]
    for row in known:
        operation = f"{row['method']} {row['path']}"
        sure = f"{row['confidence']:.2f}"
        cells = (row["role"], operation, row["source"], sure, row["reason"])
        table.add_row(*map(escape, cells))
    console = Console(width=None if sys.stdout.isatty() else 160)
    if known:
        console.print(table)
    click.echo(f"{len(known)} of {len(found)} operations are about sessions")


@main.group(cls=_Script)
def script() -> None:
    """Check, show, explain, test and play what an agent says."""


@main.command()
@click.argument("path", default=Path(), type=click.Path(path_type=Path), metavar="[DIR or FILE]")
def init(path: Path) -> None:
    """Write a script to begin with, and the JSON Schema that editors help with.

    Into a folder (this one unless told) it is agent.yaml. Nothing is overwritten.
    """
    import shlex

    from sparring.fixtures.script.starting import write_starter

    script, written = write_starter(path)
    for file in written:
        click.echo(f"wrote {file}")
    for command in ("script check", "script play", "script test", "serve --script"):
        click.echo(f"  sparring {command} {shlex.quote(str(script))}")


def _key(text: str) -> tuple[str, str]:
    user, sign, key = text.partition("=")
    if not (user and sign and key):
        raise SparringError(Defect("C101", f"--key {text}", remedy="Write it as --key USER=KEY."))
    return key, user


if __name__ == "__main__":
    sys.exit(main())
