"""`hub sandbox`: serve the simulated organisation."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from hub.clock import parse_instant
from hub_sandbox.configuration import GITLAB_TOKEN, TOKEN, USER, write_configuration
from hub_sandbox.gitlab_configuration import gitlab_lines
from hub_sandbox.gitlab_server import GitlabServer
from hub_sandbox.gitlab_story import PROJECT_SERVICES
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from hub_sandbox.register_files import write_register
from hub_sandbox.vocabulary import PROJECTS

__all__ = ["app"]

app = typer.Typer(help="A simulated organisation to try the hub on.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Try the hub without a tool of your own."""


@app.command()
def serve(
    folder: Annotated[
        Path | None, typer.Option(help="Write hub.toml, the register and the token into this folder.")
    ] = None,
    now: Annotated[str, typer.Option(help="Virtual instant, with an offset.")] = "2026-11-03T08:00:00Z",
    flavour: Annotated[str, typer.Option(help="cloud or data_center.")] = "cloud",
    port: Annotated[int, typer.Option(help="Port of Jira; 0 = any free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed, another organisation.")] = 20000,
) -> None:
    """Serve the organisation's Jira and GitLab until interrupted.

    Example: hub sandbox serve --folder demo
    """
    organisation = Organisation(seed)
    instant = parse_instant(now)
    if flavour not in {"cloud", "data_center"}:
        raise typer.BadParameter("there are cloud and data_center", param_hint="--flavour")
    with (
        JiraServer(
            organisation, "cloud" if flavour == "cloud" else "data_center", clock_ms=instant, port=port
        ) as server,
        GitlabServer(organisation.shipping.content, clock_ms=instant) as gitlab,
    ):
        typer.echo(f"Jira ({flavour}) at {server.url}, user {USER}, token {TOKEN}, as of {now}")
        typer.echo(f"GitLab at {gitlab.url}, token {GITLAB_TOKEN}, as of {now}")
        if folder is not None:
            write_workplace(folder, organisation, server, instant, gitlab=gitlab)
            typer.echo(f"Configuration: {folder / 'hub.toml'}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Folder to make anew.")] = Path("demo"),
) -> None:
    """Run the whole hub on the simulated organisation.

    Example: hub sandbox demo --folder demo
    """
    from hub_sandbox.demo import run_demo  # noqa: PLC0415 - serving needs neither store nor reports

    run_demo(folder, echo=typer.echo)


def write_workplace(
    folder: Path, organisation: Organisation, server: JiraServer, as_of: int, *, gitlab: GitlabServer | None = None
) -> Path:
    """Write configuration, register and token files for a served organisation; return `hub.toml`'s path."""
    return write_files(
        folder,
        organisation,
        url=server.url,
        as_of=as_of,
        flavour=server.api.flavour,
        gitlab_url=None if gitlab is None else gitlab.url,
    )


def write_files(
    folder: Path,
    organisation: Organisation,
    *,
    url: str,
    as_of: int,
    flavour: Literal["cloud", "data_center"] = "cloud",
    gitlab_url: str | None = None,
) -> Path:
    """Write the same for servers known by their addresses only."""
    secrets = folder / "secrets"
    secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, token in {"jira-token": TOKEN, "gitlab-token": GITLAB_TOKEN}.items():
        (secrets / name).touch(mode=0o600)
        (secrets / name).write_text(token + "\n", encoding="utf-8")
    write_register(
        folder / "register",
        organisation,
        as_of=as_of,
        data_center=flavour == "data_center",
        gitlab=gitlab_url is not None,
    )
    more: list[str] = []
    pipelines: list[str] = []
    if gitlab_url is not None:
        paths = {project.id: project.path for project in organisation.shipping.content.projects.values()}
        token_file = Path("secrets/gitlab-token")
        more = gitlab_lines(gitlab_url, token_file, tickets="service-desk", projects=paths, keys=list(PROJECTS))
        pipelines = [f"{gitlab_url}/{paths[number]}/-/pipelines/" for number in PROJECT_SERVICES]
    return write_configuration(
        folder,
        url=url,
        token_file=Path("secrets/jira-token"),
        flavour=flavour,
        more=more,
        approved_sources=pipelines,
    )
