"""`scaffold volumes`: see the volumes of a project or of the engine, move them, and remove what is no longer needed."""

from __future__ import annotations

from importlib import import_module

import click

from scaffold.errors import ScaffoldError, closest

# Verb -> module, and the line that `--help` shows without loading it. A new verb is one line here.
COMMANDS = {
    "inspect": ("scaffold.cli.volumes.inspect", "Everything that is known of one volume."),
    "move": ("scaffold.cli.volumes.move", "Move data into a volume, or a volume to another place."),
    "rm": ("scaffold.cli.volumes.rm", "Remove volumes, once their content is in a verified backup."),
    "prune": ("scaffold.cli.volumes.prune", "Remove retired, orphaned and anonymous volumes of one project."),
}
# No project and no verb is called so.
_TABLE = ""


class _Volumes(click.Group):
    """Loads a verb when it is called; whatever is no verb belongs to the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = "scaffold.cli.volumes.table" if name == _TABLE else COMMANDS[name][0] if name in COMMANDS else ""
        command: click.Command | None = import_module(module).command if module else None
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else _TABLE
        if first in {"-h", "--help"} or first in COMMANDS:
            return super().parse_args(ctx, args)
        verb = next((arg for arg in args if arg in COMMANDS), "")
        if verb and args[args.index(verb) - 1] != "--project":
            raise ScaffoldError(
                f"`{verb}` does not come first",
                "it is a verb of `scaffold volumes`",
                f"scaffold volumes {verb} …; a project of that name: scaffold volumes --project {verb}",
            )
        return super().parse_args(ctx, [_TABLE, *args])

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[PROJECT] [OPTIONS]")
        formatter.write_usage(ctx.command_path, "VERB [OPTIONS] …", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        table = self.get_command(ctx, _TABLE)
        if table is not None:
            table.format_options(ctx, formatter)
        with formatter.section("Verbs"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=_Volumes, short_help="See and look after volumes.")
def command() -> None:
    """Show the volumes of a project, or of the whole engine: what they are for, who mounts them, and how safe they are.

    PROJECT is a folder, or the name of a Compose project that the engine knows; without one it is the project of this
    folder. A project that is called like a verb below is named by `--project`, or by its path.

    \b
      scaffold volumes                       of the project in this folder
      scaffold volumes --all --sizes         of every project on the engine
      scaffold volumes inspect mongo_data    everything that is known of one
      scaffold volumes prune --dry-run       what could be removed, and why the rest may not

    Exit codes: 1 when something of it needs you: drift between file and engine, or an anonymous volume in use.
    """


def unknown(name: str, names: list[str]) -> ScaffoldError:
    """The error for a volume that is not there."""
    return ScaffoldError(f"there is no volume `{name}` here", fix=closest(name, names) if names else "scaffold volumes")
