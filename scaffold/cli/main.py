"""The command `scaffold`: which commands there are, and how every one of them ends."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

import click

from scaffold import __version__
from scaffold.cli import console
from scaffold.errors import COULD_NOT, INTERRUPTED, REFUSED, ScaffoldError, closest

# Name -> module, and the line that `--help` shows without loading it.
COMMANDS = {
    "new": ("scaffold.cli.new", "Start a project: choose services, get a Compose project that runs."),
    "add": ("scaffold.cli.add", "Add services to a project; edits, data and secrets stay."),
    "remove": ("scaffold.cli.remove", "Remove services from a project; their data stays."),
    "share": ("scaffold.cli.share", "Share a volume between services: one writes it, others read it."),
    "unshare": ("scaffold.cli.unshare", "Take a shared volume out of a project; its data stays."),
    "update": ("scaffold.cli.update", "Bring a project to a newer version of its template."),
    "switch": ("scaffold.cli.switch", "Follow the template at another address."),
    "list": ("scaffold.cli.list", "List the services and presets one can choose."),
    "show": ("scaffold.cli.show", "Show what is known about a service or a preset."),
    "volumes": ("scaffold.cli.volumes", "Look after volumes: what they hold, how safe it is, which may go."),
    "template": ("scaffold.cli.template", "Make a team's own template: services, defaults, presets, files, a policy."),
    "catalog": ("scaffold.cli.catalog", "Build and check the index of the catalogue (for who writes entries)."),
}


class _LazyGroup(click.Group):
    """Loads a command's module when the command is called, not for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise ScaffoldError(f"there is no command `{args[0]}`", fix=closest(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="scaffold %(version)s")
def scaffold() -> None:
    """Start ML/GenAI repositories on Docker Compose, and keep them healthy for life.

    \b
      scaffold new my-app                    ask, show the plan, create
      scaffold new my-app --preset web       the same without questions
      scaffold list                          what there is to choose
      scaffold add redis                     one more service, in a project's folder
      scaffold update --dry-run              what the newest template would change

    Exit codes: 0 done; 1 done, and something needs you; 2 refused: usage, bad input or safety; 3 could not: git,
    disk, network or engine, and nothing was changed; 130 interrupted.
    """


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command and exit. This is the only place where errors become messages and exit codes."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run the command and return its exit code."""
    try:
        return int(scaffold.main(argv, prog_name="scaffold", standalone_mode=False) or 0)
    except ScaffoldError as error:
        console.failure(error.what, error.why, error.fix)
        return error.code
    except click.exceptions.NoArgsIsHelpError as error:
        console.note(error.format_message())
        return REFUSED
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "scaffold"
        console.failure(error.format_message().rstrip(".").replace("'", "`"), fix=f"see {path} --help")
        return REFUSED
    except (KeyboardInterrupt, click.Abort) as interruption:
        # click turns a KeyboardInterrupt into its Abort, without the words.
        words = str(interruption.__cause__ or interruption)
        console.note(f"interrupted, {words or 'nothing was changed'}")
        return INTERRUPTED
    except BrokenPipeError:
        console.close_broken_pipe()
        return COULD_NOT
    except Exception as error:
        console.failure(
            "scaffold itself failed", f"{type(error).__name__}: {error}", f"report it with {console.trace(error)}"
        )
        return COULD_NOT
