"""What no artefact says: driver floors, GPU names, and hints about torch releases.

The torch table only serves explanations and hints before anything is resolved; what
an image gets is always read from the wheels. An unknown release works all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

__all__ = [
    "TORCH",
    "Release",
    "architecture",
    "default_cuda",
    "driver_floor",
    "driver_suffices",
    "releases",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One minor of torch: its CUDA builds, the index's default, its Pythons.

    `latest` is the last patch release; `pythons` the first and last minor of Python 3.
    """

    minor: str
    latest: str
    cuda: tuple[str, ...]
    default: str
    pythons: tuple[int, int]


def _release(latest: str, cuda: str, default: str, first: int, last: int) -> Release:
    minor = latest.rpartition(".")[0]
    builds = tuple(cuda.split())
    return Release(
        minor=minor, latest=latest, cuda=builds, default=default, pythons=(first, last)
    )


# Builds: PyTorch's release matrix (pytorch/test-infra) and RELEASE.md. Defaults and
# Pythons: the METADATA and tags of the wheels for Linux x86_64 on the default index.
TORCH = (
    _release("2.0.1", "11.7 11.8", "11.7", 8, 11),
    _release("2.1.2", "11.8 12.1", "12.1", 8, 11),
    _release("2.2.2", "11.8 12.1", "12.1", 8, 12),
    _release("2.3.1", "11.8 12.1", "12.1", 8, 12),
    _release("2.4.1", "11.8 12.1 12.4", "12.1", 8, 12),
    _release("2.5.1", "11.8 12.1 12.4", "12.4", 9, 13),
    _release("2.6.0", "11.8 12.4 12.6", "12.4", 9, 13),
    _release("2.7.1", "11.8 12.6 12.8", "12.6", 9, 13),
    _release("2.8.0", "12.6 12.8 12.9", "12.8", 9, 13),
    _release("2.9.1", "12.6 12.8 13.0", "12.8", 10, 14),
    _release("2.10.0", "12.6 12.8 13.0", "12.8", 10, 14),
    _release("2.11.0", "12.6 12.8 13.0", "13.0", 10, 14),
    _release("2.12.1", "12.6 13.0 13.2", "13.0", 10, 14),
    _release("2.13.0", "12.6 13.0 13.2", "13.0", 10, 14),
    _release("2.14.1", "12.6 13.0 13.2", "13.0", 10, 14),
    _release("2.15.0", "13.0 13.2", "13.2", 11, 15),
)

# The last build that has kernels for GPUs of an age (PyTorch's build_cuda.sh: the cu126
# builds kept 5.0 to 7.0, and 2.14 was the last release with a cu126 build).
LAST_FOR_OLD_GPUS = ("2.14.1", "12.6", 50, 70)

# CUDA Compatibility guide, "minor version compatibility": the lowest Linux driver that
# runs binaries of a CUDA major.
_DRIVERS = {11: "450.80.02", 12: "525.60.13", 13: "580"}

# CUDA's list of GPUs by compute capability. Laptop ("Mobile", "Max-Q") parts are the
# same architecture as their desktop names; the first pattern that fits wins.
_GPUS: tuple[tuple[str, str], ...] = (
    ("sm_110", r"(JETSON )?(AGX )?THOR|JETSON T\d{4}"),
    ("sm_87", r"(JETSON )?(AGX |NX )?ORIN( NX| NANO)?( SUPER)?"),
    ("sm_72", r"(JETSON )?(AGX )?XAVIER( NX)?"),
    ("sm_62", r"JETSON TX2( NX)?"),
    ("sm_53", r"JETSON (NANO|TX1)"),
    ("sm_121", r"GB10|DGX SPARK"),
    ("sm_120", r"RTX PRO \d{4}( BLACKWELL)?.*|RTX 50[5-9]0( TI)?( D)?"),
    ("sm_103", r"G?B300( ULTRA)?"),
    ("sm_100", r"G?B[12]00"),
    ("sm_90", r"H(100|200|800|20)|GH200"),
    ("sm_89", r"RTX 40[5-9]0( TI)?( SUPER)?( D)?|L(4|20|40|40S|2)|RTX \d{4} ADA.*"),
    ("sm_80", r"A(100|800|30)"),
    ("sm_86", r"RTX 30[5-9]0( TI)?|RTX A\d{3,4}.*|A(2|10|10G|10M|16|40)"),
    ("sm_75", r"RTX 20[5-9]0( TI)?( SUPER)?|GTX 16[3-6]0( TI)?( SUPER)?|T4G?"),
    ("sm_75", r"TITAN RTX|QUADRO RTX \d{4}|RTX [3-8]000|MX[45]50|T\d{3,4}"),
    ("sm_70", r"V100S?|TITAN V|QUADRO GV100|GV100"),
    ("sm_60", r"P100|QUADRO GP100|GP100"),
    ("sm_61", r"GTX 10[1-8]0( TI)?|GT 10[13]0|TITAN XP?|P(4|6|40)|MX[1-3][0-9]0"),
    ("sm_61", r"QUADRO P\d{3,4}|P\d{3,4}"),
    ("sm_52", r"GTX 9[5-9]0( TI)?|GTX TITAN X|M(4|6|40|60)|QUADRO M[2-6]\d{3}"),
    ("sm_50", r"GTX 7[45]0( TI)?|9[34]0MX?|M10|QUADRO K[126]200?|QUADRO M[156]\d{2,3}"),
    ("sm_37", r"K80"),
    ("sm_35", r"K(20|40)[CMSX]?"),
)
_NOISE = re.compile(
    r"\b(NVIDIA|GEFORCE|TESLA|PCIE|SXM\d?|NVL|HBM\w*|LAPTOP|GPU|MOBILE|MAX-Q|DESIGN"
    r"|WITH|GENERATION|TENSOR CORE|\d+ ?GB|\dG)\b"
)


def architecture(name: str) -> str:
    """Return the architecture (``sm_89``) of a GPU, empty when the name is unknown.

    Takes what people and ``nvidia-smi`` write: ``RTX 4090``, ``A100-SXM4-80GB``,
    ``NVIDIA H100 80GB HBM3``, ``sm_90``, ``9.0``.
    """
    text = name.strip().upper()
    if match := re.fullmatch(r"(?:SM|COMPUTE)_?(\d{2,3})[AF]?|(\d{1,2})\.(\d)", text):
        return f"sm_{match[1] or match[2] + match[3]}"
    text = re.sub(r"(RTX|GTX)(?=\d)", r"\1 ", text)
    text = re.sub(r"(\d{3,4})(TI|SUPER)\b", r"\1 \2", text)
    text = re.sub(r"\bMAX-Q\b", " ", text)
    text = _NOISE.sub(" ", re.sub(r"[-_/()]", " ", text))
    text = re.sub(r"\s+", " ", text).strip()
    for found, pattern in _GPUS:
        if re.fullmatch(pattern, text):
            return found
    return ""


def driver_floor(cuda: str) -> str:
    """Return the lowest Linux driver that runs a CUDA version, empty when unknown."""
    major = cuda.split(".")[0]
    return _DRIVERS.get(int(major), "") if major.isdigit() else ""


def driver_suffices(driver: str, floor: str) -> bool:
    """Whether a driver, given as exactly as the user knows it, is not below a floor."""
    have, need = (
        tuple(int(part) for part in re.findall(r"\d+", text))
        for text in (driver, floor)
    )
    return have >= need[: len(have)]


def releases(torch: str) -> tuple[Release, ...]:
    """Return the known releases that a version or range (``2.7``, ``>=2.7``) allows."""
    text = torch.strip()
    if re.match(r"\d", text):
        minor = ".".join(text.split("+")[0].split(".")[:2])
        return tuple(each for each in TORCH if each.minor == minor)
    try:
        allowed = SpecifierSet(text)
        return tuple(each for each in TORCH if Version(each.latest) in allowed)
    except (InvalidVersion, ValueError):
        return ()


def default_cuda(torch: str) -> str:
    """Return the CUDA of the index's own build of a release, empty when unknown."""
    found = {release.default for release in releases(torch)}
    return found.pop() if len(found) == 1 else ""
