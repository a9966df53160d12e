"""Settings come from the environment, the user's file, the machine: in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstlight.config import Settings, load_settings
from firstlight.errors import UsageError


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "home/.config").mkdir(parents=True)
    return tmp_path


def load(machine: Path, **environ: str) -> Settings:
    return load_settings(
        environ,
        file=machine / "config.toml",
        home=machine / "home",
        etc=machine / "etc",
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class TestMirrors:
    def test_of_deb822_sources(self, machine):
        write(
            machine / "etc/apt/sources.list.d/debian.sources",
            "Types: deb\n"
            "# http://HOST/archive/debian/20250520T000000Z\n"
            "URIs: http://one.test/debian/ https://two.test/debian\n"
            "Suites: bookworm bookworm-updates\n"
            "Components: main\n"
            "\n"
            "Types: deb deb-src\n"
            "URIs:\n"
            " http://one.test/debian-security\n"
            "Suites: bookworm-security\n"
            "\n"
            "Enabled: no\nTypes: deb\nURIs: http://off.test/debian\nSuites: sid\n"
            "\n"
            "Types: deb-src\nURIs: http://source.test/debian\nSuites: sid\n",
        )
        settings = load(machine)
        assert settings.mirrors == {
            "debian": ("http://one.test/debian", "https://two.test/debian"),
            "debian-security": ("http://one.test/debian-security",),
        }
        assert settings.snapshot("debian", "20260101T000000Z") == (
            "http://HOST/archive/debian/20260101T000000Z",
        )

    def test_of_one_line_sources(self, machine):
        write(
            machine / "etc/apt/sources.list",
            "# deb http://old.test/ubuntu noble main\n"
            "deb [arch=amd64 signed-by=/k.gpg] http://a.test/ubuntu noble main # x\n"
            "deb-src http://source.test/ubuntu noble main\n"
            "deb http://ports.test/ubuntu-ports noble main\n"
            "deb http://tool.test/apt tool main\n"
            "deb\n",
        )
        assert load(machine).mirrors == {
            "ubuntu": ("http://a.test/ubuntu",),
            "ubuntu-ports": ("http://ports.test/ubuntu-ports",),
        }

    def test_of_odd_paths_are_known_by_their_suites(self, machine):
        write(
            machine / "etc/apt/sources.list",
            "deb http://a.test/mirror bookworm main\n"
            "deb http://sec.test/ bookworm-security main\n"
            "deb http://b.test/mirror noble main\n",
        )
        assert load(machine).mirrors == {
            "debian": ("http://a.test/mirror",),
            "debian-security": ("http://sec.test",),
            "ubuntu": ("http://b.test/mirror",),
        }

    def test_of_a_file_that_lists_them(self, machine):
        write(machine / "list.txt", "http://a.test/ubuntu/\tpriority:1\n\nftp://x/\n")
        write(
            machine / "etc/apt/sources.list",
            f"deb mirror+file:{machine}/list.txt noble main\n",
        )
        assert load(machine).mirrors == {"ubuntu": ("http://a.test/ubuntu",)}

    def test_of_the_user_replace_those_of_the_machine(self, machine):
        write(machine / "etc/apt/sources.list", "deb http://a.test/debian sid main\n")
        write(
            machine / "config.toml",
            '[mirror]\ndebian = "https://mine.test/debian/"\n'
            'ubuntu = ["https://u1.test/ubuntu", "https://u2.test/ubuntu"]\n'
            'snapshot = "https://s.test/archive"\n',
        )
        settings = load(machine)
        assert settings.mirror("debian") == ("https://mine.test/debian",)
        assert len(settings.mirror("ubuntu")) == 2
        assert settings.snapshots == ("https://s.test/archive",)

    def test_of_the_environment_win(self, machine):
        write(machine / "config.toml", '[mirror]\ndebian = "https://mine.test/debian"')
        settings = load(
            machine,
            FIRSTLIGHT_MIRROR_DEBIAN="https://a.test/debian, https://b.test/debian",
            FIRSTLIGHT_MIRROR_DEBIAN_SECURITY="file:///srv/debian-security",
            FIRSTLIGHT_MIRROR_SNAPSHOT="https://s.test/archive/",
        )
        assert settings.mirror("debian")[1] == "https://b.test/debian"
        assert settings.mirror("debian-security") == ("file:///srv/debian-security",)
        assert settings.snapshot("debian", "T")[0] == "https://s.test/archive/debian/T"

    def test_that_are_missing_say_which_setting_to_write(self, machine):
        with pytest.raises(UsageError, match="no mirror of the ubuntu") as caught:
            load(machine).mirror("ubuntu")
        assert "[mirror]" in caught.value.hint
        assert "FIRSTLIGHT_MIRROR_UBUNTU" in caught.value.hint

    def test_of_unknown_archives_are_errors(self, machine):
        with pytest.raises(UsageError, match="MIRROR_DEBAIN") as caught:
            load(machine, FIRSTLIGHT_MIRROR_DEBAIN="https://a.test/debian")
        assert caught.value.hint == 'did you mean "debian"?'
        with pytest.raises(UsageError, match="allowed is a URL"):
            load(machine, FIRSTLIGHT_MIRROR_DEBIAN="a.test/debian")


class TestFile:
    def test_says_where_the_store_is(self, machine):
        write(machine / "config.toml", 'store = "~/blobs"\njobs = 3\n')
        settings = load(machine)
        assert settings.store == machine / "home/blobs"
        assert settings.jobs == 3
        settings = load(machine, FIRSTLIGHT_STORE="/big", FIRSTLIGHT_JOBS="7")
        assert (settings.store, settings.jobs) == (Path("/big"), 7)

    def test_that_is_absent_leaves_defaults(self, machine):
        settings = load(machine)
        assert settings.store.is_absolute()
        assert settings.jobs >= 1

    def test_lists_all_its_errors(self, machine):
        write(
            machine / "config.toml",
            'sotre = "/x"\njobs = 0\n[mirror]\ndebain = "https://a.test"\n'
            'ubuntu = "a.test"\nsnapshot = 3\n',
        )
        with pytest.raises(UsageError) as caught:
            load(machine)
        found = {
            f.where.partition(": ")[2]: (f.code, f.hint) for f in caught.value.findings
        }
        assert found["sotre"] == ("settings.unknown-key", 'did you mean "store"?')
        assert found["mirror.debain"][1] == 'did you mean "debian"?'
        assert set(found) == {
            "sotre",
            "jobs",
            "mirror.debain",
            "mirror.ubuntu",
            "mirror.snapshot",
        }

    def test_that_is_no_toml_is_named(self, machine):
        write(machine / "config.toml", "store = /x\n")
        with pytest.raises(UsageError, match=r"config\.toml: not valid TOML.*line 1"):
            load(machine)

    @pytest.mark.parametrize("jobs", ["0", "-1", "many", "²"])
    def test_a_wrong_number_of_jobs_is_told(self, machine, jobs):
        with pytest.raises(UsageError, match="FIRSTLIGHT_JOBS"):
            load(machine, FIRSTLIGHT_JOBS=jobs)


class TestRegistries:
    def test_without_tls_are_those_that_are_named(self, machine):
        assert load(machine).insecure == ()
        write(machine / "config.toml", '[registry]\ninsecure = ["host.test:5000"]\n')
        assert load(machine).insecure == ("host.test:5000",)
        given = load(machine, FIRSTLIGHT_REGISTRY_INSECURE="a.test, [::1]:80 b.test:1")
        assert given.insecure == ("a.test", "[::1]:80", "b.test:1")

    @pytest.mark.parametrize("place", ["http://host.test", "host.test/a", "h:port"])
    def test_anything_but_a_host_is_an_error(self, machine, place):
        with pytest.raises(UsageError, match="FIRSTLIGHT_REGISTRY_INSECURE"):
            load(machine, FIRSTLIGHT_REGISTRY_INSECURE=place)
        write(machine / "config.toml", f'[registry]\ninsecure = ["{place}"]\n')
        with pytest.raises(UsageError) as caught:
            load(machine)
        (finding,) = caught.value.findings
        assert finding.where.endswith("registry.insecure[0]")


class TestPip:
    def test_files_and_environment_are_read_in_pips_order(self, machine):
        write(
            machine / "etc/pip.conf",
            "[global]\nindex-url = https://a.test/simple\ncert = /ca.pem\n",
        )
        write(
            machine / "home/.config/pip/pip.conf",
            "[global]\nindex_url = https://b.test/simple\n"
            "extra-index-url =\n    https://c.test/simple\n    https://d.test/simple\n"
            "[install]\nfind-links = ~/wheels /srv/wheels\n",
        )
        pip = load(machine, PIP_TRUSTED_HOST="x.test y.test").pip
        assert pip.index_url == "https://b.test/simple"
        assert pip.extra_index_urls == (
            "https://c.test/simple",
            "https://d.test/simple",
        )
        assert pip.find_links == (f"{machine}/home/wheels", "/srv/wheels")
        assert pip.trusted_hosts == ("x.test", "y.test")
        assert pip.uv_environment() == {
            "UV_DEFAULT_INDEX": "https://b.test/simple",
            "UV_INDEX": "https://c.test/simple https://d.test/simple",
            "UV_FIND_LINKS": f"{machine}/home/wheels,/srv/wheels",
            "SSL_CERT_FILE": "/ca.pem",
            "UV_INSECURE_HOST": "x.test y.test",
        }

    def test_files_can_be_turned_off(self, machine):
        write(machine / "etc/pip.conf", "[global]\nindex-url = https://a.test\n")
        assert load(machine, PIP_CONFIG_FILE="/dev/null").pip.index_url == ""

    def test_uvs_own_environment_wins(self, machine):
        pip = load(
            machine,
            PIP_INDEX_URL="https://a.test",
            PIP_EXTRA_INDEX_URL="https://b.test",
            PIP_FIND_LINKS="/w",
            UV_INDEX_URL="https://u.test",
            UV_FIND_LINKS="/v",
        ).pip
        assert (pip.index_url, pip.find_links) == ("", ())
        assert pip.extra_index_urls == ("https://b.test",)

    def test_uvs_own_file_wins(self, machine):
        write(
            machine / "home/.config/uv/uv.toml",
            'find-links = ["/v"]\n[[index]]\nurl = "https://u"\ndefault = true\n',
        )
        pip = load(machine, PIP_INDEX_URL="https://a.test", PIP_FIND_LINKS="/w").pip
        assert (pip.index_url, pip.find_links) == ("", ())

    def test_a_broken_file_does_not_stop_us(self, machine):
        write(machine / "etc/pip.conf", "index-url = x\n[[[")
        write(machine / "home/.config/uv/uv.toml", "=")
        assert load(machine).pip.index_url == ""


class TestCertificate:
    def test_is_the_environments_or_pips(self, machine):
        assert load(machine).certificate == ""
        assert load(machine, PIP_CERT="/p.pem").certificate == "/p.pem"
        both = load(machine, PIP_CERT="/p.pem", SSL_CERT_FILE="/s.pem")
        assert both.certificate == "/s.pem"
        write(machine / "etc/pip.conf", "[global]\ncert = /f.pem\n")
        assert load(machine).certificate == "/f.pem"


def test_settings_do_not_show_the_environment(machine):
    assert "s3cret" not in repr(load(machine, UV_INDEX_X_PASSWORD="s3cret"))


class TestOffline:
    def test_is_off_unless_the_file_or_the_environment_says_so(self, machine):
        assert not load(machine).offline
        assert load(machine, FIRSTLIGHT_OFFLINE="1").offline
        write(machine / "config.toml", "offline = true\n")
        assert load(machine).offline
        assert not load(machine, FIRSTLIGHT_OFFLINE="0").offline

    def test_another_word_is_refused(self, machine):
        with pytest.raises(UsageError, match="allowed is 1 or 0"):
            load(machine, FIRSTLIGHT_OFFLINE="maybe")
        write(machine / "config.toml", 'offline = "yes"\n')
        with pytest.raises(UsageError, match="has errors"):
            load(machine)
