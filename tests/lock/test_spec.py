"""The spec is read strictly, and says everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from firstlight.errors import FirstlightError, SpecError
from firstlight.lock.spec import Index, Spec, Target, read_spec

LEAST = 'python = "3.11"\n'


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
