"""Every form of key that people have is read; what is secret is never shown."""

from __future__ import annotations

import base64
import json
import stat
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from firstlight.attest.keys import PASSWORDS, make_pair, read_private, read_public
from firstlight.errors import UsageError

WORD = "correct horse"
SECRET = ec.derive_private_key(0xFEED, ec.SECP256R1())

# Made by cosign 2.5 (`generate-key-pair`) with the passphrase "pw".
COSIGN_PRIVATE = """\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJqU2hjTjR4OWowL0NHVlZDYy9uQUg0ZDJtdGNMSUdV
TmdIdEhWazNPbWlNPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJWVXhqVTlqNEs5TXo4dHc3YkhtQ0EvV1A3ZFdnS3dGRyJ9LCJj
aXBoZXJ0ZXh0IjoieWR3SFpsalh2VWZPd3FUeEhzVTZCc0d1aGV0MmlxN1BEQnBt
ZDJ5U25kbGNLNGR1ZHVWL3pEMXhKY0d2dHhIcTF5NDVFaHFTaG5zTVlMYXd4c3pV
dkZWdmV6VnQ0djJTU2dLckJKMGE4WC9ia3IyVWlRbWpyYndiR0dKYWVWZlRTU2hK
YXErYXVYK3c0bWNnRGNMK2hXZDNESURwN2lOc3JLcmswOXBtZndoZWI4Qy96aGFj
eHd6M2tZZ1JuMVF2V3FPK0FvYTF6UHczYnc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""
COSIGN_PUBLIC = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOPYQbOpWCFnVRFw+zVJTCoCRkwiq
wT2PMlno3kbOMUbI5Jvh+dmZV1c2tVsmk0UTB3jxR8GgzkMzmWpTn7Sgwg==
-----END PUBLIC KEY-----
"""


def pem(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    word: str = "",
) -> str:
    """The key as openssl writes it."""
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if word:
        lock = serialization.BestAvailableEncryption(word.encode())
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


def nobody() -> str:
    raise AssertionError("nobody should be asked")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def file(text: str) -> str:
        path = tmp_path / "key.pem"
        path.write_text(text)
        return str(path)

    return file


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (pem(SECRET), {}),
        (pem(SECRET, serialization.PrivateFormat.TraditionalOpenSSL), {}),
        (pem(SECRET, word=WORD), {"COSIGN_PASSWORD": WORD}),
        (
            pem(SECRET, serialization.PrivateFormat.TraditionalOpenSSL, WORD),
            {PASSWORDS[0]: WORD},
        ),
        (pem(ed25519.Ed25519PrivateKey.generate()), {}),
        (
            pem(ed25519.Ed25519PrivateKey.generate(), word=WORD),
            {"COSIGN_PASSWORD": WORD},
        ),
    ],
    ids=[
        "pkcs8",
        "sec1",
        "encrypted",
        "encrypted-sec1",
        "ed25519",
        "encrypted-ed25519",
    ],
)
def test_every_usual_form_is_read(
    write: Callable[[str], str], text: str, words: dict[str, str]
) -> None:
    key = read_private(write(text), environ=words, ask=nobody)
    signature = key.sign(b"data")
    assert key.public.verifies(signature, b"data")
    assert not key.public.verifies(signature, b"other")
    assert not key.public.verifies(signature[:-1], b"data")
    assert not key.public.verifies(b"", b"data")


def test_a_key_of_cosign_is_read(write: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "cosign.pub").write_text(COSIGN_PUBLIC)
    public = read_public(tmp_path / "cosign.pub")
    key = read_private(write(COSIGN_PRIVATE), environ={}, ask=lambda: "pw")
    assert key.public.pem == public.pem == COSIGN_PUBLIC.encode()
    assert public.verifies(key.sign(b"data"), b"data")


def test_equal_data_gets_equal_signatures(write: Callable[[str], str]) -> None:
    key = read_private(write(pem(SECRET)), environ={})
    assert key.sign(b"data") == key.sign(b"data") != key.sign(b"other")


def test_a_key_may_come_from_a_variable() -> None:
    environ = {"MY_KEY": pem(SECRET)}
    assert read_private("env://MY_KEY", environ=environ).sign(b"x")
    with pytest.raises(UsageError, match="MY_KEY"):
        read_private("env://MY_KEY", environ={})


@pytest.mark.parametrize("word", ["", WORD])
def test_a_new_pair_is_read_back(tmp_path: Path, word: str) -> None:
    path = tmp_path / "team.key"
    public_path, public = make_pair(path, word)
    assert public_path == tmp_path / "team.pub"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    asked = []

    def ask() -> str:
        asked.append(1)
        return word

    key = read_private(str(path), environ={}, ask=ask)
    assert key.public.pem == read_public(public_path).pem == public.pem
    assert len(asked) == bool(word), "without a passphrase nobody is asked for one"


@pytest.mark.parametrize("name", ["team.key", "team.pub"])
def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        make_pair(tmp_path / "team.key", "")
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_public_name_is_no_name_of_a_private_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="public"):
        make_pair(tmp_path / "team.pub", "")


def test_the_first_variable_wins(write: Callable[[str], str]) -> None:
    source = write(pem(SECRET, word=WORD))
    both = {PASSWORDS[0]: WORD, PASSWORDS[1]: "other"}
    assert read_private(source, environ=both, ask=nobody)
    with pytest.raises(UsageError, match="wrong"):
        read_private(source, environ={PASSWORDS[0]: "other"}, ask=nobody)


@pytest.mark.parametrize(
    "text", [pem(SECRET, word=WORD), COSIGN_PRIVATE], ids=["pkcs8", "cosign"]
)
def test_where_nobody_can_be_asked_the_variables_are_named(
    write: Callable[[str], str], text: str
) -> None:
    with pytest.raises(UsageError, match="nobody to ask") as caught:
        read_private(write(text), environ={})
    assert all(name in caught.value.hint for name in PASSWORDS)


def test_a_wrong_passphrase_is_told_and_not_shown(write: Callable[[str], str]) -> None:
    with pytest.raises(UsageError, match="wrong") as caught:
        read_private(write(COSIGN_PRIVATE), environ={"COSIGN_PASSWORD": "not-this"})
    seen = repr(caught.value) + caught.value.message + caught.value.hint
    assert "not-this" not in seen
    assert caught.value.__cause__ is None


def test_a_key_never_shows_itself(write: Callable[[str], str]) -> None:
    key = read_private(write(pem(SECRET)), environ={})
    number = SECRET.private_numbers().private_value
    for seen in (repr(key), str(key), repr(key.public)):
        assert str(number) not in seen
        assert "object at" not in seen


def boxed(**changes: object) -> str:
    """Cosign's key with other parameters."""
    table = json.loads(base64.b64decode("".join(COSIGN_PRIVATE.splitlines()[1:-1])))
    for path, value in changes.items():
        *outer, last = path.split("__")
        place = table
        for name in outer:
            place = place[name]
        place[last] = value
    body = base64.b64encode(json.dumps(table).encode()).decode()
    lines = COSIGN_PRIVATE.splitlines()
    return "\n".join([lines[0], *textwrap.wrap(body, 64), lines[-1], ""])


@pytest.mark.parametrize(
    "text",
    [
        boxed(kdf__params__N=1 << 30),
        boxed(kdf__params__N=3),
        boxed(kdf__params__N=True),
        boxed(kdf__params__p=1000),
        boxed(kdf__params__r=0),
        boxed(kdf__name="pbkdf2"),
        boxed(cipher__name="rot13"),
        boxed(kdf__salt="?"),
        boxed(ciphertext=5),
        boxed(kdf=[]),
        "\n".join([COSIGN_PRIVATE.splitlines()[0], "W10=", "-----END X-----"]),
        COSIGN_PRIVATE.splitlines()[0],
    ],
    ids=[
        "memory",
        "odd",
        "bool",
        "time",
        "zero",
        "kdf",
        "cipher",
        "salt",
        "type",
        "list",
        "short",
        "cut",
    ],
)
def test_a_damaged_or_costly_key_of_cosign_is_refused(
    write: Callable[[str], str], text: str
) -> None:
    with pytest.raises(UsageError, match="damaged"):
        read_private(write(text), environ={"COSIGN_PASSWORD": "pw"})


@pytest.mark.parametrize(
    "text",
    [boxed(cipher__nonce="AAAA"), boxed(ciphertext="AAAA"), boxed(ciphertext="")],
    ids=["nonce", "short", "empty"],
)
def test_a_box_that_cannot_be_opened_is_refused(
    write: Callable[[str], str], text: str
) -> None:
    with pytest.raises(UsageError):
        read_private(write(text), environ={"COSIGN_PASSWORD": "pw"})


def test_other_kinds_of_keys_are_refused(
    write: Callable[[str], str], tmp_path: Path
) -> None:
    long = ec.generate_private_key(ec.SECP384R1())
    old = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for key in (long, old):
        with pytest.raises(UsageError, match="not supported"):
            read_private(write(pem(key)), environ={})
        path = tmp_path / "other.pub"
        path.write_bytes(
            key.public_key().public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            )
        )
        with pytest.raises(UsageError, match="not supported"):
            read_public(path)


def test_what_is_no_key_is_refused(write: Callable[[str], str], tmp_path: Path) -> None:
    for text in ("", "hello", COSIGN_PUBLIC, "x" * 100_000):
        with pytest.raises(UsageError):
            read_private(write(text), environ={})
    with pytest.raises(UsageError, match="cannot be read"):
        read_private(str(tmp_path / "none"), environ={})
    with pytest.raises(UsageError, match=r"not a public key") as caught:
        read_public(Path(write(pem(SECRET))))
    assert ".pub" in caught.value.hint
