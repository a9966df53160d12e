"""The spec is read strictly, and says everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from firstlight.errors import FirstlightError, SpecError
from firstlight.lock.spec import Index, Spec, Target, read_spec
from firstlight.lock.workspace_table import Bind, Workspace, parse_bind

LEAST = 'python = "3.11"\n'
GPU_NAMES = (
    *("0", "0,1,12", "gpu0", "0:1", "mig0:1,2", "MIG-GPU-8d1ab9b4/1/0"),
    "GPU-8d1ab9b4-c6a5-4c9c-9d4c-0d4d4f1b2a10,0",
)


def spec(folder: Path, text: str, **files: str) -> Spec:
    (folder / "firstlight.toml").write_text(text)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return read_spec(folder)


def problems(folder: Path, text: str, **files: str) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        spec(folder, text, **files)
    return {
        finding.where: f"{finding.message} | {finding.hint}"
        for finding in caught.value.findings
    }


def test_every_field_is_read(tmp_path):
    found = spec(
        tmp_path,
        """
        name = "quick.start"
        python = "3.12"
        torch = "2.7.1"
        cuda = "12.6"
        packages = ["einops", "numpy >=1.26,<3", "x[a] ; sys_platform == 'linux'"]
        system = ["git", "libstdc++6"]
        compile = true
        profile = "train"
        os = "noble"
        [target]
        gpus = ["A100", "sm_90"]
        driver = "550.54"
        platforms = ["linux/amd64", "linux/arm64"]
        [[index]]
        url = "https://h.test/simple"
        name = "own"
        [[index]]
        url = "wheels"
        find-links = true
        [env]
        B = "1"
        A = "=x"
        [workspace]
        engine = "podman"
        gpus = "0,1"
        ports = {jupyter = 8890, ssh = 0}
        shm = "16G"
        memory = "512mb"
        cpus = 1.5
        pids = 4096
        ipc = "shareable"
        mounts = ["~/data:/data/:ro", "../a:b:/workspace/b"]
        """,
    )
    assert found == Spec(
        name="quick.start",
        python="3.12",
        torch="2.7.1",
        cuda="12.6",
        requirements=("einops", "numpy<3,>=1.26", 'x[a]; sys_platform == "linux"'),
        system=("git", "libstdc++6"),
        compile=True,
        profile="train",
        suite="noble",
        target=Target(
            gpus=("A100", "sm_90"),
            driver="550.54",
            platforms=("linux/amd64", "linux/arm64"),
        ),
        indexes=(
            Index(url="https://h.test/simple", name="own"),
            Index(url="wheels", find_links=True),
        ),
        environment=(("A", "=x"), ("B", "1")),
        digest=found.digest,
        workspace=Workspace(
            engine="podman",
            gpus="0,1",
            ports=(("jupyter", 8890), ("ssh", 0)),
            shm="16g",
            memory="512mb",
            cpus=1.5,
            pids=4096,
            ipc="shareable",
            mounts=(
                Bind(
                    source="~/data",
                    target="/data",
                    writable=False,
                    where="firstlight.toml: workspace.mounts[0]",
                ),
                Bind(
                    source="../a:b",
                    target="/workspace/b",
                    where="firstlight.toml: workspace.mounts[1]",
                ),
            ),
        ),
    )


def test_the_least_spec_has_defaults(tmp_path):
    folder = tmp_path / "My Project"
    folder.mkdir()
    found = spec(folder, LEAST)
    assert (found.name, found.cuda, found.profile) == (
        "my-project",
        "auto",
        "workspace",
    )
    assert found.target.platforms == ("linux/amd64",)
    assert found.workspace == Workspace(engine="auto", gpus="auto", shm="8g")


def test_what_is_wanted_of_pages_is_no_part_of_a_spec(tmp_path):
    docs = '[docs]\ntargets = ["github"]\nanything = 1\n'
    assert spec(tmp_path, LEAST + docs) == spec(tmp_path, LEAST)


def test_all_errors_come_at_once_with_their_places(tmp_path):
    found = problems(
        tmp_path,
        """
        name = "Quick"
        pyton = "3.11"
        python = 3.10
        torch = "two"
        cuda = "12"
        packages = ["einops # x", 3]
        system = ["Git"]
        compile = "yes"
        profile = "trian"
        os = "bookwurm"
        [target]
        gpus = ["A100", ""]
        driver = "new"
        platforms = ["linux/riscv"]
        memory = 3
        [[index]]
        find-links = true
        [env]
        "A-B" = "x"
        C = 3
        """,
    )
    assert set(found) == {
        f"firstlight.toml: {place}"
        for place in (
            *("name", "pyton", "python", "torch", "cuda", "packages[0]"),
            *("packages[1]", "system[0]", "compile", "profile", "os"),
            *("target.gpus[1]", "target.driver", "target.platforms[0]"),
            *("target.memory", "index[0].url", "env.A-B", "env.C"),
        )
    }
    assert 'did you mean "python"?' in found["firstlight.toml: pyton"]
    assert "quotes" in found["firstlight.toml: python"]
    assert 'did you mean "train"?' in found["firstlight.toml: profile"]
    assert 'did you mean "bookworm"?' in found["firstlight.toml: os"]


@pytest.mark.parametrize("python", ["3.8", "3.15", "3", "2.7", "3.11.4", ">=3.11"])
def test_only_known_pythons_are_allowed(tmp_path, python):
    assert "allowed is one of 3.9" in str(problems(tmp_path, f'python = "{python}"'))


def test_python_must_be_said(tmp_path):
    found = problems(tmp_path, "")
    assert found == {"firstlight.toml: python": 'missing | write python = "3.11"'}


@pytest.mark.parametrize(
    ("written", "read"),
    [("auto", "auto"), ("cpu", "cpu"), ("cu126", "12.6"), ("11.8", "11.8")],
)
def test_cuda_may_be_written_both_ways(tmp_path, written, read):
    assert spec(tmp_path, LEAST + f'cuda = "{written}"').cuda == read


class TestPlaces:
    def test_the_spec_may_stand_in_pyproject(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text('[tool.firstlight]\npython = "3.13"\n')
        assert read_spec(tmp_path).python == "3.13"

    def test_its_errors_name_the_place_there(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text("[tool.firstlight]\npython = 3.13\n")
        with pytest.raises(SpecError) as caught:
            read_spec(tmp_path)
        where = caught.value.findings[0].where
        assert where == "pyproject.toml: tool.firstlight.python"

    def test_two_specs_are_one_too_many(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text("[tool.firstlight]\n")
        with pytest.raises(SpecError, match="both hold a spec"):
            spec(tmp_path, LEAST)

    def test_none_says_how_to_get_one(self, tmp_path):
        with pytest.raises(SpecError) as caught:
            read_spec(tmp_path)
        assert "firstlight init" in caught.value.hint

    @pytest.mark.parametrize("data", [b"a = ", b"\xff", b"[" * 100_000])
    def test_what_is_no_toml_is_named(self, tmp_path, data):
        (tmp_path / "firstlight.toml").write_bytes(data)
        with pytest.raises(SpecError, match=r"firstlight\.toml"):
            read_spec(tmp_path)

    @pytest.mark.parametrize("text", ["tool = 3", "[tool]\nfirstlight = 3"])
    def test_a_tool_table_that_is_none_is_told(self, tmp_path, text):
        (tmp_path / "pyproject.toml").write_text(text)
        with pytest.raises(SpecError):
            read_spec(tmp_path)


class TestTorch:
    def torch(self, folder: Path, text: str) -> tuple[str, str, tuple[str, ...]]:
        found = spec(folder, LEAST + text)
        return found.torch, found.cuda, found.requirements

    def test_is_taken_out_of_the_packages(self, tmp_path):
        for listed, torch in {
            "torch==2.7.1": "2.7.1",
            "Torch>=2.6,<2.8": "<2.8,>=2.6",
            "torch": ">=0",
            "torch==2.7.*": "==2.7.*",
        }.items():
            text = f'packages = ["numpy", "{listed}"]'
            assert self.torch(tmp_path, text) == (torch, "auto", ("numpy",))

    def test_of_a_build_names_its_cuda(self, tmp_path):
        text = 'packages = ["torch==2.7.1+cu126"]'
        assert self.torch(tmp_path, text) == ("2.7.1", "12.6", ())
        assert self.torch(tmp_path, 'torch = "2.7.1+cpu"')[:2] == ("2.7.1", "cpu")

    def test_may_be_named_twice_when_both_agree(self, tmp_path):
        text = 'torch = "2.7.1"\npackages = ["torch>=2"]'
        assert self.torch(tmp_path, text) == ("2.7.1", "auto", ())

    @pytest.mark.parametrize(
        "text",
        [
            'torch = "2.7.1"\npackages = ["torch<2"]',
            'torch = "2.7"\npackages = ["torch==2.6.0"]',
            'cuda = "12.8"\npackages = ["torch==2.7.1+cu126"]',
            'cuda = "12.8"\ntorch = "2.7.1+cu126"',
            'packages = ["torch==2.7.1+rocm6.3"]',
            'packages = ["torch @ https://h.test/torch.whl"]',
            "packages = [\"torch ; sys_platform == 'linux'\"]",
            'packages = ["torch==2.6.0", "torch==2.7.0"]',
        ],
    )
    def test_that_contradicts_is_an_error(self, tmp_path, text):
        assert len(problems(tmp_path, LEAST + text)) == 1


class TestRequirementsFiles:
    TEXT = LEAST + 'packages = "requirements.txt"\n'

    def test_are_understood(self, tmp_path):
        (tmp_path / "more").mkdir()
        (tmp_path / "more/base.txt").write_text("torch==2.7.1\n-f ../wheels\n")
        (tmp_path / "limits.txt").write_text("urllib3<3\n")
        found = spec(
            tmp_path,
            self.TEXT,
            requirements_txt="\ufeff# a comment\n"
            "--index-url=https://a.test/simple\n"
            "--extra-index-url 'https://b.test/simple'  # ours\n"
            "-r more/base.txt\n-climits.txt\n"
            "numpy==2.0.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
            "einops>=0.8 # why\r\n"
            'tomli>=2 ; python_version < "3.11"\n'
            "pkg @ https://h.test/pkg-1-py3-none-any.whl#sha256=00\n"
            "--only-binary :all:\n",
        )
        assert found.requirements == (
            "numpy==2.0.0",
            "einops>=0.8",
            'tomli>=2; python_version < "3.11"',
            "pkg @ https://h.test/pkg-1-py3-none-any.whl#sha256=00",
        )
        assert found.torch == "2.7.1"
        assert found.constraints == ("urllib3<3",)
        assert found.indexes == (
            Index(url="https://a.test/simple", default=True),
            Index(url="https://b.test/simple"),
            Index(url="wheels", find_links=True),
        )

    def test_that_include_each_other_are_read_once(self, tmp_path):
        found = spec(tmp_path, self.TEXT, requirements_txt="-r requirements.txt\na\n")
        assert found.requirements == ("a",)

    @pytest.mark.parametrize(
        "line",
        [
            "-e .",
            "--editable=git+https://h.test/x",
            "./local",
            "/abs/a-1-py3-none-any.whl",
            "https://h.test/a-1-py3-none-any.whl",
            "git+https://h.test/x",
            "x @ git+https://h.test/x",
            "--no-binary :all:",
            "--index-ulr https://h.test",
            "--index-url https://me:pw@h.test/simple",
            "--index-url https://${TOKEN}@h.test/simple",
            "-r absent.txt",
            "numpy=1",
            "-",
            "--",
        ],
    )
    def test_refuse_what_no_image_can_be_made_from(self, tmp_path, line):
        found = problems(tmp_path, self.TEXT, requirements_txt=f"a\n{line}\nb\n")
        assert list(found) == ["requirements.txt:2"]

    def test_that_are_absent_are_named(self, tmp_path):
        assert "No such file" in str(problems(tmp_path, self.TEXT))

    def test_that_are_not_utf8_are_named(self, tmp_path):
        (tmp_path / "requirements.txt").write_bytes(b"\xff")
        assert "UTF-8" in str(problems(tmp_path, self.TEXT))

    def test_a_package_in_place_of_a_list_is_told(self, tmp_path):
        found = problems(tmp_path, LEAST + 'packages = "numpy"')
        assert 'write packages = ["numpy"]' in str(found)


class TestProjectFile:
    GROUP = LEAST + 'packages = { group = "Train" }\n'

    def test_a_group_includes_others(self, tmp_path):
        found = spec(
            tmp_path,
            self.GROUP,
            pyproject_toml="[dependency-groups]\nbase = ['a']\n"
            "train = ['b', { include-group = 'base' }]\n",
        )
        assert found.requirements == ("b", "a")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[dependency-groups]\ntrian = []",
            "[dependency-groups]\ntrain = 3",
            "[dependency-groups]\ntrain = [3]",
            "[dependency-groups]\ntrain = ['=']",
            "[dependency-groups]\ntrain = [{ include-group = 'x' }]",
            "[dependency-groups]\ntrain = [{ include-group = 'train' }]",
            "dependency-groups = 3",
        ],
    )
    def test_a_wrong_group_is_told(self, tmp_path, text):
        assert len(problems(tmp_path, self.GROUP, pyproject_toml=text)) == 1

    def test_an_extra_comes_with_what_the_project_needs(self, tmp_path):
        found = spec(
            tmp_path,
            LEAST + 'packages = { extra = "all" }\n',
            pyproject_toml="[project]\nname = 'Me.x'\ndependencies = ['a']\n"
            "[project.optional-dependencies]\nall = ['b', 'me-x[more]']\nmore = ['c']",
        )
        assert found.requirements == ("a", "b", "c")

    @pytest.mark.parametrize("table", ["", 'group = "a", extra = "b"', "grp = 'a'"])
    def test_exactly_one_of_them_is_named(self, tmp_path, table):
        assert problems(tmp_path, LEAST + f"packages = {{ {table} }}")


class TestWorkspace:
    def read(self, folder: Path, text: str) -> Workspace:
        return spec(folder, f"{LEAST}[workspace]\n{text}").workspace

    def wrong(self, folder: Path, text: str) -> dict[str, str]:
        return problems(folder, f"{LEAST}[workspace]\n{text}")

    def test_all_its_errors_come_at_once_with_their_places(self, tmp_path):
        found = self.wrong(
            tmp_path,
            """
            engine = "dokcer"
            gpus = "first"
            ports = {jupiter = 1, ssh = 65536}
            shm = 8
            memory = "32 GB"
            cpus = 0
            pids = -1
            ipc = "hots"
            mounts = ["data", 3]
            menory = "1g"
            """,
        )
        assert {where.rpartition("workspace.")[2] for where in found} == {
            *("engine", "gpus", "ports.jupiter", "ports.ssh", "shm", "memory"),
            *("cpus", "pids", "ipc", "mounts[0]", "mounts[1]", "menory"),
        }
        text = str(found)
        for word in ("docker", "jupyter", "host", "memory"):
            assert f'did you mean "{word}"?' in text
        assert "write it in quotes" in found["firstlight.toml: workspace.shm"]

    @pytest.mark.parametrize("size", ["1", "64m", "8g", "8gb", "1t", "512K", "10B"])
    def test_takes_sizes_as_docker_writes_them(self, tmp_path, size):
        assert self.read(tmp_path, f'memory = "{size}"').memory == size.lower()

    @pytest.mark.parametrize("size", ["", "0", "0g", "8 g", "1.5g", "8p", "-1", "8gib"])
    def test_takes_no_other_sizes(self, tmp_path, size):
        found = self.wrong(tmp_path, f'shm = "{size}"')
        assert "allowed is a size such as 512m or 8g" in str(found)

    @pytest.mark.parametrize("cpus", ["0", "0.0", "-2", "inf", "nan", "true"])
    def test_takes_no_part_of_nothing(self, tmp_path, cpus):
        assert "allowed is a number" in str(self.wrong(tmp_path, f"cpus = {cpus}"))

    @pytest.mark.parametrize("gpus", ["auto", "all", "none", *GPU_NAMES])
    def test_takes_gpus_as_the_option_does(self, tmp_path, gpus):
        assert self.read(tmp_path, f'gpus = "{gpus}"').gpus == gpus

    @pytest.mark.parametrize("gpus", ["", "0,", "one", "all,0", "0:", "GPU", "0, 1"])
    def test_takes_no_other_gpus(self, tmp_path, gpus):
        assert "indices such as 0,1" in str(self.wrong(tmp_path, f'gpus = "{gpus}"'))

    @pytest.mark.parametrize(
        ("target", "why"),
        [
            ("data", "a TARGET that starts with /"),
            ("", "a TARGET that starts with /"),
            ("/data:rw", "a TARGET that starts with /"),
            ("/", "would hide /workspace"),
            ("//", "would hide /workspace"),
            ("/workspace", "firstlight itself needs /workspace"),
            ("/data/../workspace/", "firstlight itself needs /workspace"),
            ("/home", "would hide /home/user"),
            ("/home/user", "firstlight itself needs /home/user"),
            ("/etc", "would hide /etc/passwd"),
            ("/usr", "would hide /usr/bin"),
            ("/run", "would hide /run/firstlight"),
            ("/run/firstlight/x", "nothing can be mounted in /run/firstlight"),
            ("/proc", "nothing can be mounted in /proc"),
            ("/sys/fs", "nothing can be mounted in /sys"),
            ("/dev/shm", "nothing can be mounted in /dev"),
            ("/da\\nta", "a TARGET that starts with /"),
        ],
    )
    def test_mounts_nothing_where_something_must_stay(self, tmp_path, target, why):
        assert why in str(self.wrong(tmp_path, f'mounts = ["data:{target}"]'))

    def test_mounts_beside_and_inside_of_them(self, tmp_path):
        targets = ("/data", "/workspace/data", "/home/user/.cache", "/procs", "/tmp/x")
        lines = ", ".join(f'"data:{target}"' for target in targets)
        found = self.read(tmp_path, f"mounts = [{lines}]").mounts
        assert tuple(bind.target for bind in found) == targets

    def test_mounts_one_thing_at_one_place(self, tmp_path):
        found = self.wrong(tmp_path, 'mounts = ["a:/data", "b:/data/", "c:/x"]')
        assert found == {
            "firstlight.toml: workspace.mounts[1]": (
                '"a:/data" is mounted at /data already | '
            )
        }

    def test_a_source_need_not_be_there_to_lock(self, tmp_path):
        found = self.read(tmp_path, 'mounts = ["never-made:/data"]').mounts
        assert found[0].line == "never-made:/data"

    def test_stands_in_pyproject_too(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text(
            f"[tool.firstlight]\n{LEAST}[tool.firstlight.workspace]\nmounts = ['x']\n"
        )
        with pytest.raises(SpecError) as caught:
            read_spec(tmp_path)
        where = caught.value.findings[0].where
        assert where == "pyproject.toml: tool.firstlight.workspace.mounts[0]"


@given(some.text(some.sampled_from("ab:/.~ro\n é-"), max_size=24))
def test_any_mount_is_understood_or_refused(text):
    try:
        bind = parse_bind(text)
    except ValueError as error:
        assert str(error).startswith("found ")
    else:
        assert parse_bind(bind.line) == bind
        assert not {"", ".", ".."} & set(bind.target.split("/")[1:])


class TestDigest:
    def test_follows_meaning_not_layout(self, tmp_path):
        one = spec(tmp_path, LEAST + 'packages = ["a"]').digest
        assert spec(tmp_path, f'packages=["a"]\n# x\n{LEAST}').digest == one
        assert spec(tmp_path, LEAST + 'packages = ["b"]').digest != one

    def test_follows_included_files(self, tmp_path):
        text = TestRequirementsFiles.TEXT
        one = spec(tmp_path, text, requirements_txt="-r more.txt", more_txt="a")
        two = spec(tmp_path, text, more_txt="a>1")
        assert one.digest != two.digest

    def test_does_not_follow_how_the_image_is_run(self, tmp_path):
        one = spec(tmp_path, LEAST).digest
        table = '[workspace]\nengine = "docker"\nshm = "1g"\nmounts = ["a:/b"]\n'
        assert spec(tmp_path, LEAST + table).digest == one

    def test_of_what_was_locked_before_stays(self, tmp_path):
        """Locks hold this digest: a new field of the spec must not make them stale."""
        found = spec(tmp_path, f'name = "fixed"\n{LEAST}packages = ["numpy"]\n')
        assert (
            found.digest
            == "sha256:380e297181d8e077d9dc2166c715d68ca077391de7e5d21196f3015535d92ede"
        )

    def test_does_not_follow_the_folder(self, tmp_path):
        digests = set()
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            text = 'name = "x"\n' + TestRequirementsFiles.TEXT
            found = spec(tmp_path / name, text, requirements_txt="-f wheels\na\n")
            digests.add(found.digest)
        assert len(digests) == 1


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    text=some.text(
        some.sampled_from("-ercf = numpy[]<>;@:/#\\\n\"'0.*é\t+$"), max_size=60
    )
)
def test_any_requirements_file_gives_a_spec_or_a_finding(tmp_path, text):
    try:
        spec(tmp_path, TestRequirementsFiles.TEXT, requirements_txt=text)
    except FirstlightError as error:
        assert error.message
