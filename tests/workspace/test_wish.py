"""From a wish to a plan, and to the words of every engine: complete, and no secret."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from firstlight.engine.base import HOME, WORKSPACE, ContainerPlan, Limits, Mount, Port
from firstlight.engine.table import ENGINES
from firstlight.oci.model import Image
from firstlight.store import Store
from firstlight.workspace.place import Place
from firstlight.workspace.wish import (
    Wish,
    command_plan,
    has_own_accounts,
    workspace_plan,
)

JUPYTER = Port(name="jupyter", inside=8888, outside=8889)
SSH = Port(name="ssh", inside=2222, outside=2223)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAISECRETKEY me@here"
BY_HAND = {"HF_TOKEN": "hunter2", "LOUD": "hunter2 too"}


@pytest.fixture(params=sorted(ENGINES))
def wish(request: pytest.FixtureRequest) -> Wish:
    """What a person with a key and a secret asks each engine for."""
    return Wish(engine=request.param, keys=(KEY,), environment=BY_HAND)


def sources(plan: ContainerPlan) -> dict[str, Mount]:
    """The mounts of a plan by where they appear."""
    return {mount.target: mount for mount in plan.mounts}


# Workspaces


def test_a_workspace_has_all_that_its_servers_need(
    image: Image, place: Place, wish: Wish
) -> None:
    plan = workspace_plan(image, place, wish, [JUPYTER, SSH])
    found = sources(plan)
    assert found[WORKSPACE] == Mount(
        source=place.project, target=WORKSPACE, writable=True
    )
    assert found[HOME] == Mount(source=place.home, target=HOME, writable=True)
    for name, path in (("jupyter-token", place.token), ("authorized_keys", place.keys)):
        target = f"/run/firstlight/{name}"
        assert found[target] == Mount(source=path, target=target)
    assert plan.command == ("workspace",)
    assert (plan.name, plan.project, plan.user) == (place.name, place.key, place.owner)
    assert plan.ports == (JUPYTER, SSH)
    assert plan.writable
    assert plan.kept == place.changes
    assert {k: v for k, v in plan.environment.items() if k in BY_HAND} == BY_HAND


@pytest.mark.parametrize("port", [JUPYTER, SSH])
def test_a_server_that_is_left_out_gets_nothing(
    image: Image, place: Place, port: Port
) -> None:
    plan = workspace_plan(image, place, Wish(keys=(KEY,)), [port])
    secret = {"jupyter": "jupyter-token", "ssh": "authorized_keys"}[port.name]
    inside = [each for each in sources(plan) if each.startswith("/run/firstlight")]
    assert inside == [f"/run/firstlight/{secret}"]
    assert set(plan.environment) == {f"FIRSTLIGHT_{port.name.upper()}"}


def test_nothing_is_made_by_planning(image: Image, place: Place, wish: Wish) -> None:
    before = sorted(place.folder.parents[1].rglob("*"))
    workspace_plan(image, place, wish, [JUPYTER, SSH])
    command_plan(image, place, wish, ("true",))
    assert sorted(place.folder.parents[1].rglob("*")) == before


@pytest.mark.parametrize(
    ("address", "jupyter", "ssh"),
    [
        ("127.0.0.1", "127.0.0.1:8889", "127.0.0.1:2223"),
        ("::1", "[::1]:8889", "[::1]:2223"),
        ("0.0.0.0", "0.0.0.0:8889", "0.0.0.0:2223"),
    ],
)
def test_servers_listen_where_that_was_asked_for(
    image: Image, place: Place, store: Store, address: str, jupyter: str, ssh: str
) -> None:
    """A sandbox's own do; a container's listen inside and are published there."""
    ports = [replace(each, address=address) for each in (JUPYTER, SSH)]
    plan = workspace_plan(image, place, Wish(engine="sandbox"), ports)
    assert plan.environment == {"FIRSTLIGHT_JUPYTER": jupyter, "FIRSTLIGHT_SSH": ssh}
    plan = workspace_plan(image, place, Wish(engine="podman"), ports)
    assert plan.environment["FIRSTLIGHT_JUPYTER"] == "0.0.0.0:8888"
    assert plan.environment["FIRSTLIGHT_SSH"] == "0.0.0.0:2222"
    line = ENGINES["docker"].host_command(plan, store).command
    published = [line[i + 1] for i, word in enumerate(line) if word == "--publish"]
    assert published == [f"{jupyter}:8888", f"{ssh}:2222"]


def test_who_is_not_1000_inside_brings_the_tables_of_accounts(
    image: Image, place: Place, wish: Wish
) -> None:
    stranger = replace(place, owner=(4321, 4322))
    plan = workspace_plan(image, stranger, wish, [JUPYTER])
    mine = {"/etc/passwd": stranger.passwd, "/etc/group": stranger.group}
    found = {t: m.source for t, m in sources(plan).items() if t in mine}
    assert found == (mine if has_own_accounts(stranger, wish) else {})
    # Inside a sandbox everybody has the number that the image's own user has.
    assert has_own_accounts(stranger, wish) is (wish.engine != "sandbox")


def test_an_ephemeral_one_has_another_home(
    image: Image, place: Place, wish: Wish
) -> None:
    passing = replace(wish, ephemeral=True)
    plan = workspace_plan(image, place, passing, [JUPYTER])
    assert sources(plan)[HOME].source == place.fleeting
    assert all(mount.source != place.home for mount in plan.mounts)


# Single commands


def test_a_command_gets_no_server_no_name_and_no_secret_file(
    image: Image, place: Place, wish: Wish
) -> None:
    plan = command_plan(image, place, wish, ("python", "-V"))
    assert (plan.command, plan.name, plan.project) == (("python", "-V"), "", "")
    assert plan.ports == ()
    assert not any(target.startswith("/run/") for target in sources(plan))
    assert not any(name.startswith("FIRSTLIGHT_") for name in plan.environment)
    assert plan.environment.keys() - plan.shown == BY_HAND.keys()


def test_a_command_may_have_a_home_of_its_own(image: Image, place: Place) -> None:
    with place.passing_home() as home:
        plan = command_plan(image, place, Wish(ephemeral=True), ("true",), home=home)
        assert sources(plan)[HOME].source == home


def test_what_was_wished_reaches_both_plans(image: Image, place: Place) -> None:
    data = Mount(source=place.project, target="/data")
    wish = Wish(gpus="0,1", limits=Limits(shm="1g"), mounts=(data,))
    for plan in (
        workspace_plan(image, place, wish, []),
        command_plan(image, place, wish, ("true",)),
    ):
        assert (plan.gpus, plan.limits) == ("0,1", wish.limits)
        assert sources(plan)["/data"] == data


@pytest.mark.parametrize(("gpus", "found"), [("all", "2,3"), ("0,1", None), ("", None)])
def test_gpus_that_were_allotted_outside_are_those_inside(
    image: Image,
    place: Place,
    wish: Wish,
    monkeypatch: pytest.MonkeyPatch,
    gpus: str,
    found: str | None,
) -> None:
    """As Slurm does; GPUs that are named are counted anew inside."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    wished = replace(wish, gpus=gpus)
    plan = command_plan(image, place, wished, ("true",))
    assert plan.environment.get("CUDA_VISIBLE_DEVICES") == found
    own = replace(wished, environment={"CUDA_VISIBLE_DEVICES": "7"})
    plan = command_plan(image, place, own, ("true",))
    assert plan.environment["CUDA_VISIBLE_DEVICES"] == "7"


# What is shown


def test_no_secret_is_among_the_words_or_in_the_line(
    image: Image, place: Place, store: Store, wish: Wish
) -> None:
    place.begin()
    token = place.make_token()
    place.write(place.keys, f"{KEY}\n")
    for plan in (
        workspace_plan(image, place, wish, [JUPYTER, SSH]),
        command_plan(image, place, wish, ("true",)),
    ):
        made = ENGINES[wish.engine].host_command(plan, store)
        for secret in (token, "AAAAC3NzaC1lZDI1NTE5", *BY_HAND.values()):
            assert not any(secret in word for word in made.command)
            assert secret not in made.line
        for name, value in BY_HAND.items():
            assert made.full_environment[name] == value
            assert f'{name}="${name}"' in made.line


def test_what_is_no_secret_is_shown_so_that_the_line_works(
    image: Image, place: Place, store: Store, wish: Wish
) -> None:
    plan = workspace_plan(image, place, wish, [JUPYTER, SSH])
    made = ENGINES[wish.engine].host_command(plan, store)
    words = shlex.split(made.line)
    for name in ("FIRSTLIGHT_JUPYTER", "FIRSTLIGHT_SSH"):
        assert f"{name}={plan.environment[name]}" in words
    if wish.engine == "sandbox":
        assert "PATH=/opt/bin" in words
        assert f"HOME={HOME}" in words
