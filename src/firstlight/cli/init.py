"""``firstlight init``: a first spec for this project."""

from __future__ import annotations

from typing import Annotated

import typer

from firstlight.cli.context import Context

__all__ = ["init"]


def init(
    context: typer.Context,
    torch: Annotated[str, typer.Option(help="Version or range of torch.")] = "2.7.1",
    cuda: Annotated[str, typer.Option(help="auto, cpu, or such as 12.6.")] = "auto",
    python: Annotated[str, typer.Option(help="Python minor, such as 3.11.")] = "3.11",
) -> None:
    """Write firstlight.toml, looking at this machine's GPU and driver."""
    from firstlight.engine.gpu import host_gpus
    from firstlight.lock.spec_edit import write_template

    command: Context = context.obj
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
