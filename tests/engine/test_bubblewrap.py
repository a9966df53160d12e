"""What a kernel that allows no sandbox is told to allow."""

from __future__ import annotations

import pytest

from firstlight.engine import bubblewrap


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("proc/sys/user/max_user_namespaces", "0", "max_user_namespaces"),
        ("proc/sys/kernel/unprivileged_userns_clone", "0", "unprivileged_userns_clone"),
        (
            "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "apparmor_restrict",
        ),
        (".dockerenv", "", "security-opt"),
        ("other", "", "message above"),
    ],
)
def test_a_kernel_that_forbids_it_is_explained(setting, value, said, tmp_path):
    (tmp_path / setting).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / setting).write_text(value + "\n")
    error = bubblewrap.refusal("bwrap: No permissions", tmp_path)
    assert said in error.hint
    assert "No permissions" in error.message
