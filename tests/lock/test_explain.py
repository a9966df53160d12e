from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firstlight.lock.explain import explain
from firstlight.lock.facts import architecture
from lock.specs import make_spec

CASES = json.loads((Path(__file__).parent / "cases" / "explain.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_says_why_and_what_to_change(case: dict[str, Any]) -> None:
    findings = explain(make_spec(**case["spec"]))
    if "code" not in case:
        assert findings == []
        return
    found = next(each for each in findings if each.code == case["code"])
    assert all(part in found.message for part in case["message"]), found.message
    assert all(part in found.hint for part in case["hint"]), found.hint


@pytest.mark.parametrize(
    ("name", "sm"),
    [
        ("RTX 4090", "sm_89"),
        ("GeForce RTX 4090", "sm_89"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", "sm_89"),
        ("rtx3090ti", "sm_86"),
        ("NVIDIA GeForce RTX 3060 Laptop GPU", "sm_86"),
        ("A100-SXM4-80GB", "sm_80"),
        ("NVIDIA A100-PCIE-40GB", "sm_80"),
        ("NVIDIA H100 80GB HBM3", "sm_90"),
        ("Tesla V100-SXM2-16GB", "sm_70"),
        ("Tesla T4", "sm_75"),
        ("T4", "sm_75"),
        ("L40S", "sm_89"),
        ("A10G", "sm_86"),
        ("GTX 1080", "sm_61"),
        ("NVIDIA RTX A6000", "sm_86"),
        ("NVIDIA RTX 6000 Ada Generation", "sm_89"),
        ("Quadro RTX 8000", "sm_75"),
        ("GTX 980 Ti", "sm_52"),
        ("RTX 5090", "sm_120"),
        ("NVIDIA B200", "sm_100"),
        ("Jetson AGX Orin", "sm_87"),
        ("sm_90", "sm_90"),
        ("8.6", "sm_86"),
        ("Radeon VII", ""),
    ],
)
def test_knows_a_gpu_by_the_names_people_write(name: str, sm: str) -> None:
    assert architecture(name) == sm
