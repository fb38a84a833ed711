"""The command: the same functions that the notebooks call.

silk-purse restore talk.mp4 -o restored.mp4

What only one command needs is imported when that is called, so that the others answer at once.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup
from typer.main import get_command

from helpers.errors import SilkPurseError, StageError
from helpers.video.codecs import CODECS

if TYPE_CHECKING:
    from helpers.clip import Clip
    from helpers.options import Option
    from helpers.plan import Plan
    from helpers.run import RunContext

# The base class of typer's errors about wrong arguments; its module depends on typer's version.
UsageError: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


class Commands(TyperGroup):
    """The commands. The options of `restore` are those of its steps, so these are imported."""

    def resolve_command(self, context: Any, words: list[str]) -> Any:
        """Return the command that was called; see TyperGroup."""
        if words and words[0] == "restore":
            self.commands["restore"] = restore_command()
        return super().resolve_command(context, words)


SETTINGS: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False}

app = typer.Typer(
    cls=Commands,
    help="Restore old, small, noisy or damaged video.",
    no_args_is_help=True,
    **SETTINGS,
)

INTERRUPTED = 130
"""The exit code of a command that was stopped with Ctrl-C."""

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def make_parser(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return `read` as a parser for typer, which reports its errors as wrong arguments."""

    def parse(text: str) -> Any:
        try:
            return read(text)
        except StageError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


def make_parameter(step: type, one: Option) -> Parameter:
    """Return an option of a plan's step as a parameter of a function, which typer understands."""
    kind = get_type_hints(step)[one.field]
    name = one.name.replace("_", "-")
    # What is neither true nor false by default can be told both ways.
    flag = f"--{name}/--no-{name}" if kind == bool | None else f"--{name}"
    declared = typer.Option(
        flag, help=one.help, metavar=one.metavar, parser=make_parser(one.read) if one.read else None
    )
    # With a parser the type is that of the text; typer does not know the type of the value.
    annotation = Annotated[str | None if one.read else kind, declared]
    # typer would parse an empty default as if it had been typed.
    default = None if one.default == () else one.default
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def is_typed(context: typer.Context, name: str) -> bool:
    """Tell whether an option was given on the command line, and is not a default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def follow(path: Path, given: dict[str, Any], codec: str | None) -> tuple[dict[str, Any], str]:
    """Return the options and the codec of a recipe, and say what is done otherwise."""
    from helpers.recipe import read_recipe

    found = read_recipe(path, **given)
    other = (*given, "codec") if codec else tuple(given)
    for words, names in (
        ("As you say, and not as the recipe says", other),
        ("Left out of the recipe, since you chose another model", found.left_out),
    ):
        if names:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in names)
            typer.echo(f"{words}: {flags}.", err=True)
    return found, codec or found.codec


def restore(
    typed: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", help="The film.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    project: Annotated[
        Path | None,
        typer.Option(
            help="The folder for finished work. If not given, a temporary folder beside the output."
        ),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(CODECS),
            help="The codec of the output, h264 by default; ffv1 is lossless.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the output if it is there already.")
    ] = False,
    recommended: Annotated[
        bool,
        typer.Option(
            "--recommended",
            help="Do what the film needs. The options that you give are done as you say.",
        ),
    ] = False,
    by_trying: Annotated[
        bool,
        typer.Option(
            "--by-trying",
            help="With --recommended: choose the model that enlarges by trying several.",
        ),
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Do what a recipe says: OUT.recipe.toml, which is written beside every result. "
            "The options that you give are done as you say.",
        ),
    ] = None,
    discard: Annotated[
        bool,
        typer.Option(
            "--discard",
            help="Delete the saved frames from the project when the film is written and was found "
            "to be right.",
        ),
    ] = False,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="lossless",
            help="Save the frames without loss before they are encoded. It takes more time.",
        ),
    ] = None,
    as_json: Json = False,
    **choices: Any,
) -> None:
    """Restore a film. If it was interrupted, run the same command again to continue."""
    from helpers.advice import recommend
    from helpers.plan import Plan
    from helpers.plan import restore as run

    chosen = {name: value for name, value in choices.items() if value is not None}
    given = {name: value for name, value in chosen.items() if is_typed(typed, name)}
    if recipe and recommended:
        raise StageError(
            "--recipe and --recommended were both given, and each says what to do. Give one."
        )
    if by_trying and not recommended:
        raise StageError("--by-trying chooses among what is recommended. Give --recommended too.")
    if recipe:
        chosen, codec = follow(recipe, given, codec)
    plan = Plan.of(**chosen)
    if not recommended:
        plan.fetch_models()  # before the film is looked at

    def choose(clip: Clip, film: Path, context: RunContext) -> Plan:
        if recipe:
            return plan
        found = recommend(clip, film, context, thorough=recommended, by_trying=by_trying)
        typer.echo(found.summary(), err=True)
        return Plan.of(**{**found.options(), **given}) if recommended else plan

    report = run(
        source, output, plan=choose, project=project, codec=codec, overwrite=overwrite,
        discard=discard, keep=keep,
    )  # fmt: skip
    typer.echo(report.to_json() if as_json else f"{report.summary()}\n{output}")


OWN = [
    one.replace(kind=Parameter.KEYWORD_ONLY)
    for one in signature(restore, eval_str=True).parameters.values()
    if one.name != "choices"
]
"""The options of `restore` that are not those of a step."""


def declare(parameters: list[Parameter]) -> Callable[..., None]:
    """Return `restore` with these parameters instead of its `choices`, for typer."""
    restore.__signature__ = signature(restore).replace(parameters=parameters)  # type: ignore[attr-defined]
    restore.__annotations__ = {one.name: one.annotation for one in parameters}
    return restore


app.command()(declare(OWN))


def restore_command() -> Any:
    """Return the command `restore` with all its options: the fields of the plan's steps too."""
    from helpers.plan import STEPS, plan_options

    steps = [make_parameter(STEPS[step], one) for step, one in plan_options()]
    whole = typer.Typer(**SETTINGS)
    whole.command()(declare([*OWN, *steps]))
    return get_command(whole)


@app.command()
def batch(
    films: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER_OR_LIST",
            help="A folder with films, also in its subfolders, or a text file with a path a line.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the results.")],
    recommended: Annotated[
        bool,
        typer.Option("--recommended", help="Do what each film needs, which is the default."),
    ] = False,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Do what a recipe says to all films.")
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace results that were made in another way."),
    ] = False,
    table_only: Annotated[
        bool,
        typer.Option("--table-only", help="Write the table, to be edited, and restore nothing."),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Look for new films when all are finished, until Ctrl-C."),
    ] = False,
) -> None:
    """Restore many films, one after another. The exit code is 1 if one of them failed.

    Run the same command again to continue: finished films are left alone, and what was edited in
    the table batch.csv is done.
    """
    if recipe and recommended:
        raise StageError(
            "--recipe and --recommended were both given, and each says what to do. Give one."
        )
    from helpers.batch.run import restore_all

    made = restore_all(
        films, output, recipe=recipe, overwrite=overwrite, watch=watch, table_only=table_only,
        say=typer.echo,
    )  # fmt: skip
    typer.echo(repr(made))
    if made.failed:
        raise typer.Exit(1)


@app.command()
def probe(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The film.")], as_json: Json = False
) -> None:
    """Show the properties of a film, and what is unusual about it."""
    from helpers.video.reader import open_video
    from helpers.video.tracks import describe_tracks

    logging.getLogger("helpers").setLevel(logging.ERROR)  # the notes are printed below
    clip = open_video(source)
    steps = [b - a for a, b in zip(clip.times, [*clip.times[1:], clip.end], strict=True)]
    values: dict[str, Any] = {
        "file": str(source),
        "frames": len(clip),
        "seconds": float(clip.duration),
        "first": float(clip.times[0]),
        "variable_rate": float(max(steps) - min(steps)) > 0.002,
        **clip.info.to_json(),
        "rotation": clip.rotation,
        "mirrored": clip.mirrored,
        "deinterlaced": clip.bwdif,
        "audio": describe_tracks(source),
        "notes": list(clip.notes),
    }
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    info, kind = clip.info, "black-and-white" if clip.info.grey else "colour"
    rate = f"{float(info.fps):.3f} frames per second" + (
        " (variable)" if values["variable_rate"] else ""
    )
    typer.echo(f"{source}: {info.size}, {rate}, {len(clip)} frames, {float(clip.duration):.2f} s")
    typer.echo(
        f"{kind}, {info.depth} bits, {info.field_order}, {info.colour.matrix} {info.colour.range}"
        f", pixel aspect ratio {info.sar.numerator}:{info.sar.denominator}"
    )
    for line in [*values["audio"], *clip.notes]:
        typer.echo(f"- {line}")


@app.command()
def sample(
    name: Annotated[str, typer.Argument(help="talk or film.")] = "talk",
) -> None:
    """Print the path of a sample clip, to try the other commands on."""
    from helpers.video.sources import sample as find

    typer.echo(find(name))


@app.command()
def report(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A film that was restored.")],
    as_json: Json = False,
) -> None:
    """Show the report of a restored film: sizes, frame rates, times, sound."""
    from helpers.project.report import Report, report_path

    found = Report.read(report_path(output))
    typer.echo(found.to_json() if as_json else found.summary())


@app.command()
def judge(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The film.")],
    choices: Annotated[
        list[str],
        typer.Argument(help="Models of one kind, or methods of cleaning sound, to be compared."),
    ],
    as_json: Json = False,
) -> None:
    """Find out which models, or methods for the sound, come nearest to the truth on a film."""
    from helpers.audio.methods import METHODS
    from helpers.quality.judge import judge as run
    from helpers.quality.sound import judge_sound
    from helpers.video.reader import open_video

    if set(choices) <= set(METHODS):
        found = judge_sound(source, choices)
    else:
        found = run(open_video(source), choices)
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else found)


@app.command()
def share(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A film that was restored.")],
    page: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page to write; OUT with the ending .page.html."),
    ] = None,
    size: Annotated[float, typer.Option(metavar="MB", help="The most megabytes.")] = 15,
    source: Annotated[
        Path | None,
        typer.Option(metavar="IN", help="The film it was made from, if that has moved."),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write both side by side into FILE instead: a film, or a picture that moves "
            "(.webp).",
        ),
    ] = None,
) -> None:
    """Write a page about a restored film, to send to other people: one HTML file."""
    if beside is None:
        from helpers.sharing.page import share as write

        typer.echo(repr(write(output, page, source=source, megabytes=size)))
        return
    from helpers.sharing.page import open_both
    from helpers.sharing.side_by_side import sidebyside

    film, result, late, _ = open_both(output, source)
    typer.echo(sidebyside(film, result, beside, late=late))


@app.command("verify")
def compare(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A film that was restored.")],
    source: Annotated[
        Path, typer.Option("--against", metavar="IN", help="The film that it was made from.")
    ],
    as_json: Json = False,
) -> None:
    """Compare a restored film with its source. The exit code is 1 if it is not right."""
    from helpers.project.verification import verify_files

    found = verify_files(output, source)
    values = {"good": found.good, "checks": found.to_json()}
    typer.echo(json.dumps(values, indent=2) if as_json else found.summary())
    if found.of("unknown") and found.good:
        raise typer.Exit(2)
    if not found.good:
        raise typer.Exit(1)


@app.command("doctor")
def check(as_json: Json = False) -> None:
    """Check what works on this machine, and say what to do about the rest."""
    from helpers.health import doctor

    found = doctor()
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else repr(found))
    if not found.good:
        raise typer.Exit(1)


@app.command()
def models(
    model: Annotated[
        str | None,
        typer.Argument(help="A model to describe: its name, or the path or link of your own file."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="A page, such as README.md, to write the table into, between its marks."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List all models, or describe one, which is downloaded for that if necessary."""
    from helpers.catalog import table as catalog

    if model:
        from helpers.catalog.load import describe

        found = describe(model, catalog.role_of(model))
        typer.echo(json.dumps(dict(found.rows), indent=2) if as_json else repr(found))
        return
    rows = catalog.models()
    if as_json:
        typer.echo(json.dumps([{**asdict(row), "present": row.present} for row in rows], indent=2))
    elif into:
        catalog.write_table(into)
    else:
        for line in catalog.align_columns(catalog.table(rows)):
            typer.echo(line)


@app.command()
def fetch(
    models: Annotated[list[str], typer.Argument(help="Names from the list of models.")],
    trust: Annotated[
        bool, typer.Option("--trust", help="Accept models that have no published checksum.")
    ] = False,
) -> None:
    """Download models now, so that a later run needs no network."""
    from helpers.catalog import table as catalog

    for name in models:
        model = catalog.get(name, catalog.role_of(name))
        paths = catalog.trust_model(name) if trust else catalog.get_files(model)
        for path in paths or ["nothing to download"]:
            typer.echo(f"{name}: {path}")


@app.command("train-cleaner")
def train_cleaner(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The file of weights to write.")],
    film: Annotated[
        Path | None,
        typer.Option(help="A film whose grain and damage are used."),
    ] = None,
    overlays: Annotated[
        Path | None,
        typer.Option(help="A folder with damage overlays."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(help="A folder with clean pictures."),
    ] = None,
    samples: Annotated[int, typer.Option(help="Number of samples to make.")] = 4000,
    steps: Annotated[int, typer.Option(help="Number of training steps.")] = 2000,
    fresh: Annotated[bool, typer.Option(help="Begin with random weights.")] = False,
    find_rate: Annotated[bool, typer.Option(help="Search for a learning rate first.")] = False,
) -> None:
    """Train the cleaner on a film's grain and damage. To continue, run the same command again."""
    from helpers.training.cleaner.train import train_cleaner as run
    from helpers.training.loop import Recipe
    from helpers.video.reader import open_video

    recipe = Recipe(steps=steps, held_out=min(48, samples // 2))
    trained = run(
        output,
        clip=open_video(film) if film else None,
        overlays=overlays,
        pictures=pictures,
        samples=samples,
        recipe=recipe,
        fresh=fresh,
        find=find_rate,
    )
    typer.echo(repr(trained))


@app.command("train-small-video")
def train_small_video(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The file of weights to write.")],
    pictures: Annotated[
        Path | None,
        typer.Option(help="A folder with pictures; scikit-image's if not given."),
    ] = None,
    films: Annotated[
        Path | None,
        typer.Option(help="A folder with clean films to take pieces of."),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="A file of weights to begin with; random ones if not given."),
    ] = None,
    samples: Annotated[int, typer.Option(help="Number of samples to make.")] = 3000,
    steps: Annotated[int, typer.Option(help="Number of training steps.")] = 6000,
    batch: Annotated[int, typer.Option(help="Samples in a step.")] = 8,
    rate: Annotated[float, typer.Option(help="The highest learning rate.")] = 6e-4,
    workers: Annotated[int, typer.Option(help="Processes that make samples.")] = 1,
) -> None:
    """Train the network for small video. To continue, run the same command again."""
    import cv2

    from helpers.training.small_video.train import SmallVideoRecipe
    from helpers.training.small_video.train import train_small_video as run

    recipe = SmallVideoRecipe(
        steps=steps, batch=batch, rate=rate, held_out=min(64, samples // 4 * 2)
    )
    trained = run(
        output,
        pictures=pictures,
        films=films,
        start=start,
        samples=samples,
        recipe=recipe,
        workers=workers,
    )
    for name, picture in (("curves", trained.curves), ("samples", trained.sheet)):
        cv2.imwrite(str(output.with_name(f"{output.stem}_{name}.png")), picture[..., ::-1])
    typer.echo(repr(trained))


def called_as() -> str:
    """Return how the command was called: silk-purse, or python -m helpers."""
    path = Path(sys.argv[0])
    return "python -m helpers" if path.name == "__main__.py" else path.stem


def main() -> None:
    """Run the command. An error is one line on stderr and exit code 2."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    # A file's name may hold bytes that are no text.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = app(prog_name=called_as(), standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt  # typer caught the original one
    except (SilkPurseError, UsageError) as error:
        message = getattr(error, "format_message", error.__str__)()
        sys.stderr.write(" ".join(message.split()) + "\n")
        sys.exit(2)
    except OSError as error:
        if not error.filename or type(error).__module__ != "builtins":
            raise  # it is not about a file that the user named
        sys.stderr.write(f"{error.filename}: {error.strerror}. Check the name, and the folder.\n")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write(
            "\nInterrupted. Finished work was kept: run the same command again to continue.\n"
        )
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
