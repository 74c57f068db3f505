"""Commands on training runs."""

from __future__ import annotations

from pathlib import Path

import click


def run_folder(name: str) -> Path:
    """The folder of a run. ClickException if it has not been started, or by other code."""
    from jobs.settings import Settings
    from model.plan.base import PlanError
    from model.plan.run_file import RunFile

    folder = Settings().run_folder(name)
    try:
        RunFile.load(folder)
    except PlanError as error:
        raise click.ClickException(str(error)) from error
    return folder


@click.command(help="Train and evaluate a run that has a card in lake/cards/runs.")
@click.argument("name")
def run(name: str) -> None:
    from jobs.runner import open_instance, run_training

    with open_instance() as instance:
        run_training(instance, name)


@click.command(
    help="Write a checkpoint of a run as a Hugging Face folder (safetensors, config.json, tokenizer.json)."
)
@click.argument("name")
@click.option("--checkpoint", "tag", help="its name, as step-00000100; the latest where none is given")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="the folder; runs/NAME/export/CHECKPOINT where none is given",
)
def export(name: str, tag: str | None, out: Path | None) -> None:
    from model.checkpoints.export import export_checkpoint
    from model.checkpoints.manifest import CheckpointError, latest_checkpoint

    folder = run_folder(name)
    try:
        latest = latest_checkpoint(folder / "checkpoints")
        if tag is None and latest is None:
            raise click.ClickException(f"run {name} has no checkpoint yet")
        tag = tag or str(latest and latest.name)
        out = out or folder / "export" / tag
        click.echo(f"{out}: weights {export_checkpoint(folder, tag, out)}")
    except CheckpointError as error:
        raise click.ClickException(str(error)) from error


@click.command(
    help="Let the next start of a run go on from an earlier checkpoint;"
    " what came after is set aside, not deleted."
)
@click.argument("name")
@click.argument("tag", metavar="CHECKPOINT")
@click.option("--force", is_flag=True, help="even though a rank's last sign of life is recent")
def rollback(name: str, tag: str, force: bool) -> None:
    import time

    from model.checkpoints.manifest import CheckpointError
    from model.checkpoints.rollback import rollback_run
    from model.run.heartbeat import alive

    folder = run_folder(name)
    if (ranks := alive(folder / "heartbeats", time.time())) and not force:
        where = ", ".join(
            f"rank {r['rank']} on {r['host']} ({r['phase']}, step {r['step']})" for r in ranks[:4]
        )
        raise click.ClickException(
            f"run {name} may be training: {where}. Stop it first, or use --force if those processes are gone"
        )
    try:
        value = rollback_run(folder, tag)
    except CheckpointError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"run {name} goes on from {tag}: step {value['step']}, {value['tokens']:,} tokens")


@click.command(
    help="Ask a run to save a checkpoint and stop after its current step; `skypile run NAME` goes on."
)
@click.argument("name")
def stop(name: str) -> None:
    request = run_folder(name) / "stop"
    request.touch()
    click.echo(f"asked: {request} stands until training has stopped")


COMMANDS = [stop, run, export, rollback]
