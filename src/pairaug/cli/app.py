"""The command ``pairaug``: the list of commands, and how their errors reach the user."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pairaug import __version__
from pairaug.cli import check, demo, evaluate, fit, folds, models, synthesize, verify
from pairaug.cli.help import Overview
from pairaug.cli.messages import Messages, occupy_closed_streams
from pairaug.cli.output import accept_any_file_name, report_error
from pairaug.errors import DivergedError, Interrupted, PairaugError, StorageError, UsageError
from pairaug.machine.launch import is_first, several

_EXAMPLE = """\
pairaug fit-masks ./drive/masks
pairaug fit-translator ./drive
pairaug synthesize --count 1000 --out ./augmented
pairaug evaluate ./drive ./augmented
"""

app = typer.Typer(
    name="pairaug",
    cls=Overview,
    help="Learn from a few image/mask pairs, synthesise many.\n\nMore on a command: pairaug COMMAND --help.",
    epilog=_EXAMPLE,
    subcommand_metavar="COMMAND ...",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
check.register(app)
fit.register(app)
synthesize.register(app)
folds.register(app)
verify.register(app)
evaluate.register(app)
models.register(app)
demo.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"pairaug {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    from pairaug.cli.config import default_map

    commands = getattr(ctx.command, "commands", {})
    options = {
        name: {p.name: p.multiple for p in command.params if p.param_type_name == "option"}
        for name, command in commands.items()
    }
    ctx.default_map = default_map(Path.cwd(), options)


def run() -> None:
    """Run the command line and end the process with its exit code."""
    as_json = any(flag in sys.argv for flag in ("--json", "--jsonl"))
    debug = bool(os.environ.get("PAIRAUG_DEBUG"))
    occupy_closed_streams()
    accept_any_file_name()
    silent = not is_first()
    if silent:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        code = typer.main.get_command(app)(prog_name="pairaug", standalone_mode=False)
    except PairaugError as error:
        agreed = error.told or isinstance(error, Interrupted | DivergedError)  # by all ranks alike
        code = error.exit_code if silent and agreed else _failed(error, as_json, debug)
        _leave_other_ranks(code)
    except KeyboardInterrupt:
        _leave_other_ranks(130)
        code = 130
    except OSError as error:
        text = f"{error.filename or 'the system'}: {error.strerror or error}; check the disk and the permissions"
        code = _failed(StorageError(text), as_json, debug)
        _leave_other_ranks(code)
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # Typer's own usage errors
            if not error.format_message():  # bare "pairaug": the help has been shown
                sys.exit(error.exit_code)
            code = _failed(UsageError(_usage(error)), as_json, debug)
        else:
            text = f"{type(error).__name__}: {error}; this is a bug in pairaug, PAIRAUG_DEBUG=1 shows where"
            code = _failed(PairaugError(text), as_json, debug)
            _leave_other_ranks(code)
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Any) -> str:
    """What one of Typer's own usage errors says, and for what is missing where to read on."""
    text = str(error.format_message())
    command = getattr(getattr(error, "ctx", None), "command_path", "")
    return f"{text.rstrip('.')}; see {command} --help" if text.startswith("Missing") and command else text


def _leave_other_ranks(code: int) -> None:
    """End this rank after an error: what it holds of the group would wait for the others, of which one may be gone."""
    if several():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _failed(error: PairaugError, as_json: bool, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc(file=Messages())
    report_error(error, as_json=as_json)
    return error.exit_code
