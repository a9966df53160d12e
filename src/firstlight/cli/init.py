"""``firstlight init``: a first spec for this project."""

from __future__ import annotations

import click

from firstlight.cli.context import Context

__all__ = ["init"]


@click.command()
@click.option(
    "--torch", default="2.7.1", show_default=True, help="Version or range of torch."
)
@click.option(
    "--cuda", default="auto", show_default=True, help="auto, cpu, or such as 12.6."
)
@click.option(
    "--python", default="3.11", show_default=True, help="Python minor, such as 3.11."
)
@click.pass_obj
def init(command: Context, torch: str, cuda: str, python: str) -> None:
    """Write firstlight.toml for this project and this machine's GPU."""
    from firstlight.engine.driver import host_gpus
    from firstlight.lock.spec_edit import write_template

    found = host_gpus()
    requirements = command.folder / "requirements.txt"
    packages: list[str] | str = ["jupyterlab"]
    if requirements.is_file():
        packages = requirements.name
    path = write_template(
        command.folder,
        name=command.folder.name,
        python=python,
        torch=torch,
        cuda=cuda,
        gpus=tuple(dict.fromkeys(found.names)),
        driver=found.driver,
        packages=packages,
    )
    seen = ", ".join(found.names) or "no NVIDIA GPU seen on this machine"
    command.say(f"wrote {path.name} ({seen})")
    command.say("next: `firstlight lock`, then `firstlight run -- python`")
    command.result({"path": str(path), "gpus": list(found.names)})
