"""Ports: what a person may ask for, and which are free."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.errors import EngineError, UsageError
from firstlight.workspace.ports import choose, is_free, parse_address, parse_ports


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


IPV6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


def listen(address: str = "127.0.0.1", *, dual: bool = False) -> socket.socket:
    """A server at a port that nobody else has."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, 0), family=family, dualstack_ipv6=dual)


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


# What is asked for


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("jupyter=8889", {"jupyter": 8889}),
        ("jupyter=8889, ssh=0", {"jupyter": 8889, "ssh": 0}),
        (" ssh = 22 ,", {"ssh": 22}),
        ("ssh=65535", {"ssh": 65535}),
    ],
)
def test_ports_are_read(text: str, found: dict[str, int]) -> None:
    assert parse_ports(text) == found


@given(st.dictionaries(st.sampled_from(["jupyter", "ssh"]), st.integers(0, 65535)))
def test_what_is_written_is_read(ports: dict[str, int]) -> None:
    assert parse_ports(",".join(f"{k}={v}" for k, v in ports.items())) == ports


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jupiter=1", "--ports 'jupiter=1': there is no server 'jupiter'"),
        ("ssh", "--ports 'ssh': '' is no port"),
        ("jupyter=1,ssh=x", "--ports 'ssh=x': 'x' is no port"),
        ("ssh=65536", "'65536' is no port"),
        ("ssh=-1", "'-1' is no port"),
        ("ssh=1.5", "'1.5' is no port"),
        ("ssh=２２", "is no port"),
        ("ssh=" + "9" * 5000, "is no port"),
        ("8888", "there is no server '8888'"),
        ("=8888", "there is no server ''"),
    ],
)
def test_what_is_no_port_is_explained(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_ports(text)
    assert said in caught.value.message
    assert caught.value.hint


# Where servers listen


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        pytest.param("0:0:0:0:0:0:0:1", "::1", marks=IPV6),
        pytest.param("::", "::", marks=IPV6),
    ],
)
def test_an_address_is_read(text: str, address: str) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("everywhere", "--bind 'everywhere' is no IP address"),
        ("", "--bind '' is no IP address"),
        ("127.0.0.1:8888", "is no IP address"),
        ("203.0.113.7", "--bind 203.0.113.7: this machine has no such address"),
    ],
)
def test_an_address_that_is_none_of_ours_is_explained(text: str, said: str) -> None:
    """Else two hundred ports would be tried there, and all be called taken."""
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert said in caught.value.message
    assert "an IP address of this machine" in caught.value.hint


# What is free


def test_a_taken_port_gives_the_next_and_says_so() -> None:
    told: list[str] = []
    with listen() as server:
        port = port_of(server)
        assert not is_free(port)
        found = choose(port, say=told.append)
    assert found > port
    assert told == [f"port {port} is taken: using {found}"]
    assert is_free(port)


def test_a_free_port_is_not_news() -> None:
    with listen() as server:
        port = port_of(server)
    told: list[str] = []
    assert choose(port, say=told.append) == port
    assert told == []


@pytest.mark.parametrize(
    ("listens", "asked"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("127.0.0.1", "0.0.0.0"),
        pytest.param("::1", "::1", marks=IPV6),
        pytest.param("::", "127.0.0.1", marks=IPV6),
        pytest.param("::", "::1", marks=IPV6),
    ],
)
def test_a_server_anywhere_near_takes_the_port(listens: str, asked: str) -> None:
    with listen(listens, dual=listens == "::") as server:
        assert not is_free(port_of(server), asked)


@IPV6
def test_a_port_taken_by_ipv6_alone_is_free_for_ipv4() -> None:
    with listen("::1") as server:
        assert is_free(port_of(server), "127.0.0.1")


def test_a_port_whose_last_connection_is_closing_is_free() -> None:
    """As it is when a workspace has just ended, and the next one wants its ports."""
    with listen() as server:
        port = port_of(server)
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            ours, _ = server.accept()
            ours.close()  # Whoever closes first keeps the address for a minute.
            assert client.recv(1) == b""
    with socket.socket() as strict, pytest.raises(OSError):
        strict.bind(("127.0.0.1", port))
    assert is_free(port)


def test_a_port_that_is_about_to_be_free_is_kept() -> None:
    with listen() as server:
        port = port_of(server)
        assert choose(port, held=[port]) == port


def test_ports_of_the_same_workspace_differ() -> None:
    first = choose(20000)
    assert choose(first, taken={first}) != first


def test_the_last_port_has_no_next() -> None:
    with pytest.raises(EngineError, match="no free port from 65530 on") as caught:
        choose(65530, taken=range(65530, 65536))
    assert caught.value.hint == "choose another one with --ports"


def test_ports_of_root_are_said_to_be_so() -> None:
    with pytest.raises(EngineError) as caught:
        choose(80, taken=range(80, 280))
    assert "those up to 1023 may be for root alone" in caught.value.hint
