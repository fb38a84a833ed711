"""The command: the same functions that the notebooks call.

python -m helpers restore talk.mp4 -o restored.mp4
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from helpers.catalog import table as catalog
from helpers.errors import SilkPurseError

# The base of every complaint about how the command was called, wherever typer keeps its click.
UsageError = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    help="Restore old, small, noisy or damaged video.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
"""The exit code of a command that was stopped with Ctrl-C."""

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


class CodecName(str, Enum):
    """What `--codec` may be."""

    h264 = "h264"
    h265 = "h265"
    ffv1 = "ffv1"
    prores = "prores"


def seconds(text: str) -> Fraction:
    """Read a time: seconds (12.5) or a clock (1:02:03.5)."""
    try:
        parts = [Fraction(part) for part in text.split(":")]
        if not 1 <= len(parts) <= 3 or any(part < 0 for part in parts):
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter(
            f"{text!r} is not a time; write seconds (12.5) or a clock (1:02:03.5)."
        ) from None
    total = Fraction(0)
    for part in parts:
        total = total * 60 + part
    return total


def number(text: str) -> Fraction:
    """Read a number that may be a fraction: 2, 1.5, 24000/1001."""
    try:
        value = Fraction(text)
        if value <= 0:
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter(
            f"{text!r} is not a number above 0, like 2, 1.5 or 24000/1001."
        ) from None
    return value


def dimensions(text: str) -> tuple[int, int]:
    """Read a size: 1280x720."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise typer.BadParameter(f"{text!r} is not a size like 1280x720.")
    return int(width), int(height)


def names(text: str) -> tuple[str, ...]:
    """Read one model or several, between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def one_or_more(models: tuple[str, ...] | None) -> str | tuple[str, ...]:
    """Return a single model by its name, several as they are."""
    return models[0] if models and len(models) == 1 else models or "none"


def share(text: str) -> Fraction:
    """Read a number of 0 or more."""
    return Fraction(0) if text.strip() in ("0", "0.0") else number(text)


def shares(text: str) -> tuple[Fraction, ...]:
    """Read numbers of 0 or more, between commas."""
    return tuple(map(share, text.split(",")))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The film.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    project: Annotated[
        Optional[Path],  # noqa: UP045 (typer reads it at run time)
        typer.Option(help="The folder that remembers; kept, where the usual one is not."),
    ] = None,
    upscale: Annotated[
        Optional[tuple],  # noqa: UP045
        typer.Option(
            parser=names,
            metavar="MODEL[,MODEL]",
            help="A model to enlarge with, the path or link of your own, several, or none.",
        ),
    ] = "x4plus",  # type: ignore[assignment]
    scale: Annotated[
        Optional[Fraction],  # noqa: UP045
        typer.Option(
            parser=number, help="How many times larger; 4 within 3840x2160, if not given."
        ),
    ] = None,
    size: Annotated[
        Optional[tuple],  # noqa: UP045
        typer.Option(parser=dimensions, metavar="WxH", help="The exact size instead."),
    ] = None,
    denoise: Annotated[
        Optional[Fraction],  # noqa: UP045
        typer.Option(parser=share, help="For general-x4v3: 0 keeps the grain, 1 takes it all off."),
    ] = None,
    blend: Annotated[
        Optional[tuple],  # noqa: UP045
        typer.Option(parser=shares, metavar="W,W", help="How much of each of several models."),
    ] = None,
    alternate: Annotated[
        bool, typer.Option("--alternate", help="Let several models take frames in turn instead.")
    ] = False,
    interpolate: Annotated[str, typer.Option(help="A model to smooth with, or none.")] = "flow",
    fps: Annotated[
        Optional[Fraction],  # noqa: UP045
        typer.Option(parser=number, help="Frames a second, at a constant rate."),
    ] = None,
    factor: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="How many frames from each; enough to reach 24 if not given."),
    ] = None,
    clean: Annotated[
        str,
        typer.Option(
            help="auto, none, or some of duplicates, flicker, damage, shake, blocks, noise, "
            "finish, between commas."
        ),
    ] = "none",
    colorize: Annotated[
        Optional[tuple],  # noqa: UP045
        typer.Option(
            parser=names,
            metavar="MODEL[,MODEL]",
            help="A model to colour a grey film with, two that are mixed, auto, or none.",
        ),
    ] = "none",  # type: ignore[assignment]
    references: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A folder of frames that you coloured: their colours are spread."),
    ] = None,
    render_factor: Annotated[
        int, typer.Option(help="A sixteenth of the square a colour model sees; 0 is its own.")
    ] = 0,
    saturation: Annotated[float, typer.Option(help="How strong the colours are, 0 to 3.")] = 1.0,
    tone: Annotated[str, typer.Option(help="For tint: sepia, cyanotype, ...")] = "sepia",
    recolor: Annotated[
        bool, typer.Option("--recolor", help="Colour it even if it is in colour already.")
    ] = False,
    codec: Annotated[CodecName, typer.Option(help="ffv1 is lossless.")] = CodecName.h264,
    start: Annotated[
        Optional[Fraction],  # noqa: UP045
        typer.Option(parser=seconds, help="Where to begin: seconds, or 1:02:03.5."),
    ] = None,
    stop: Annotated[
        Optional[Fraction],  # noqa: UP045
        typer.Option(parser=seconds, help="Where to stop."),
    ] = None,
    audio: Annotated[
        str,
        typer.Option(help="How to clean the sound (talk, film, ...), or a file in its place."),
    ] = "none",
    audio_strength: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="0 to 1; the method's own if not given."),
    ] = None,
    keep_audio: Annotated[
        bool, typer.Option("--keep-audio", help="Keep the original sound as a second track.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a film. Run the same again after it was broken off, and it goes on."""
    from helpers.plan import Plan
    from helpers.plan import restore as run

    plan = Plan(
        upscale=one_or_more(upscale),
        scale=scale,
        size=size,
        denoise=denoise,
        blend=blend,
        alternate=alternate,
        interpolate=interpolate,
        fps=fps,
        factor=factor,
        start=start,
        stop=stop,
        audio=audio,
        audio_strength=audio_strength,
        keep_audio=keep_audio,
        clean=clean if clean in ("auto", "none") else names(clean),
        colorize=one_or_more(colorize),
        references=str(references) if references else None,
        render_factor=render_factor,
        saturation=saturation,
        tone=tone,
        recolor=recolor,
    )
    report = run(source, output, plan=plan, project=project, codec=codec.value)
    typer.echo(report.to_json() if as_json else f"{report.summary()}\n{output}")


@app.command()
def probe(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The film.")], as_json: Json = False
) -> None:
    """Say what a film is, and what is odd about it."""
    from helpers.video.reader import open_video
    from helpers.video.tracks import sound_tracks

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
        "deinterlaced": clip.bwdif,
        "audio": sound_tracks(source),
        "notes": list(clip.notes),
    }
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    info, kind = clip.info, "grey" if clip.info.grey else "colour"
    rate = f"{float(info.fps):.3f} frames a second" + (
        ", uneven" if values["variable_rate"] else ""
    )
    typer.echo(f"{source}: {info.size}, {rate}, {len(clip)} frames, {float(clip.duration):.2f} s")
    typer.echo(
        f"{kind}, {info.depth} bits, {info.field_order}, {info.colour.matrix} {info.colour.range}"
        f", pixels {info.sar.numerator}:{info.sar.denominator}"
    )
    for line in [*values["audio"], *clip.notes]:
        typer.echo(f"- {line}")


@app.command()
def report(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A film that was restored.")],
    as_json: Json = False,
) -> None:
    """Show again what was done to make a film: sizes, rates, seconds, sound."""
    from helpers.project.report import Report, report_path

    found = Report.read(report_path(output))
    typer.echo(found.to_json() if as_json else found.summary())


@app.command("doctor")
def check(as_json: Json = False) -> None:
    """Say what works on this machine, and what to do about the rest."""
    from helpers.runtime.doctor import doctor

    found = doctor()
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else repr(found))
    if not found.good:
        raise typer.Exit(1)


@app.command()
def models(
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="One to describe: a name, or the path or link of your own."),
    ] = None,
    into: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write the table between the marks of a page, as the README has them."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the models there are, or describe one. What one needs is fetched to look at it."""
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
        lines = catalog.table(rows)
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            typer.echo("  ".join(f"{cell:<{w}}" for cell, w in zip(line, wide, strict=True)))


@app.command()
def fetch(
    models: Annotated[list[str], typer.Argument(help="Names from the list of models.")],
) -> None:
    """Fetch models now, so that a run later needs no network."""
    for name in models:
        model = catalog.get(name, catalog.role_of(name))
        for path in catalog.get_files(model) or ["nothing to fetch"]:
            typer.echo(f"{name}: {path}")


@app.command("train-cleaner")
def train_cleaner(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The file of weights to write.")],
    film: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A film to take grain and damage from."),
    ] = None,
    overlays: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A folder of damage overlays."),
    ] = None,
    pictures: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A folder of clean pictures."),
    ] = None,
    samples: Annotated[int, typer.Option(help="How many samples to make.")] = 4000,
    steps: Annotated[int, typer.Option(help="How long to train.")] = 2000,
    fresh: Annotated[bool, typer.Option(help="Begin with random weights.")] = False,
    find_rate: Annotated[bool, typer.Option(help="Look for a learning rate first.")] = False,
) -> None:
    """Train the cleaner on a film's own grain and damage. Run the same again to go on."""
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


@app.command("train-interpolator")
def train_interpolator(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The file of weights to write.")],
    pictures: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A folder of clean colour pictures to make scenes of."),
    ] = None,
    samples: Annotated[int, typer.Option(help="How many samples to make.")] = 6000,
    steps: Annotated[int, typer.Option(help="How long to train.")] = 6000,
    workers: Annotated[int, typer.Option(help="Processes that make samples.")] = 2,
    fresh: Annotated[bool, typer.Option(help="Begin with random weights.")] = False,
) -> None:
    """Train the fusion network, which draws frames between. Run the same again to go on."""
    from helpers.training.interpolation.train import train_interpolator as run
    from helpers.training.interpolation.trainer import MotionRecipe

    recipe = MotionRecipe(steps=steps, held_out=min(96, samples // 2))
    trained = run(
        output, pictures=pictures, samples=samples, recipe=recipe, workers=workers, fresh=fresh
    )
    typer.echo(repr(trained))


def main() -> None:
    """Run the command; what goes wrong is one sentence on stderr and exit code 2."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    try:
        code = app(prog_name="python -m helpers", standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt  # typer has caught it
    except (SilkPurseError, UsageError) as error:
        said = getattr(error, "format_message", error.__str__)()
        sys.stderr.write(" ".join(said.split()) + "\n")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\nStopped. What is finished is kept: run the same command to go on.\n")
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
