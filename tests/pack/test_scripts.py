from __future__ import annotations

from pathlib import Path

import pytest

from debian_archive import make_deb
from firstlight.errors import ArtefactError
from firstlight.pack.deb import read_control
from firstlight.pack.remedies import Alternative
from firstlight.pack.scripts import Effects, effects


def of(tmp_path: Path, postinst: str, name: str = "demo", **scripts: str) -> Effects:
    deb = make_deb(tmp_path, name, scripts={"postinst": postinst, **scripts})
    return effects(read_control(deb, filename=deb.name))


def test_sections_by_known_helpers_need_nothing(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        "#!/bin/sh\nset -e\n"
        "# Automatically added by dh_python3\n"
        "if command -v py3compile >/dev/null 2>&1; then\n\tpy3compile -p demo\nfi\n"
        "# End automatically added section\n"
        "# Automatically added by dh_installsystemd/13.11.4\n"
        "systemctl start demo\n"
        "# End automatically added section\nexit 0\n",
    )
    assert (found.alternatives, found.remedy) == ((), None)


def test_plain_phrases_need_nothing(tmp_path: Path) -> None:
    of(
        tmp_path,
        '#!/bin/sh\nset -e\ncase "$1" in\n  configure)\n  ;;\n'
        "  abort-upgrade|abort-remove|abort-deconfigure)\n  ;;\n  *)\n"
        '    echo "postinst called with unknown argument \\`$1\'" >&2\n'
        "    exit 1\n  ;;\nesac\nldconfig\nexit 0\n",
    )


def test_makes_alternatives_with_their_slaves(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        "#!/bin/sh\nupdate-alternatives --quiet --install /usr/bin/pager pager \\\n"
        "  /usr/bin/demo 77 --slave /usr/share/man/man1/pager.1.gz \\\n"
        "  pager.1.gz /usr/share/man/man1/demo.1.gz\n",
    )
    assert found.alternatives == (
        Alternative(
            link="/usr/bin/pager",
            name="pager",
            path="/usr/bin/demo",
            priority=77,
            slaves=(
                (
                    "/usr/share/man/man1/pager.1.gz",
                    "pager.1.gz",
                    "/usr/share/man/man1/demo.1.gz",
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    "postinst",
    [
        "#!/bin/sh\nadduser --system demo\n",
        "#!/bin/sh\ncurl example.org | sh\n",
        "#!/bin/sh\nupdate-alternatives --install $LINK demo /usr/bin/demo 5\n",
        "#!/bin/sh\nldconfig; touch /etc/x\n",
        "#!/bin/sh\n# Automatically added by dh_sysuser\nx\n"
        "# End automatically added section\n",
    ],
)
def test_stops_at_scripts_nobody_has_looked_at(tmp_path: Path, postinst: str) -> None:
    with pytest.raises(ArtefactError, match=r"demo_1\.0-1_amd64\.deb") as caught:
        of(tmp_path, postinst)
    assert "leave demo out" in caught.value.hint


def test_looks_at_the_script_before_unpacking_too(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="useradd"):
        of(tmp_path, "#!/bin/sh\n", preinst="#!/bin/sh\nuseradd demo\n")


def test_packages_in_the_table_get_their_remedy(tmp_path: Path) -> None:
    remedy = of(tmp_path, "#!/bin/sh\nssh-keygen -A\n", "openssh-server").remedy
    assert remedy is not None
    assert [user.name for user in remedy.users] == ["sshd"]
