"""Adding and removing packages changes their lines and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstlight.errors import SpecError, UsageError
from firstlight.lock.spec import read_spec
from firstlight.lock.spec_edit import add_packages, remove_packages, write_template

INLINE = """\
# Ours.
python = "3.11"   # the cluster's
packages = [
    "einops",     # shapes
    "numpy<3",    # not yet
    "rich",
]  # end

[target]
gpus = ["A100"]
"""


def inline(folder: Path, text: str = INLINE) -> Path:
    path = folder / "firstlight.toml"
    path.write_text(text)
    return path


class TestInlineList:
    def test_a_package_is_added_on_its_own_line(self, tmp_path):
        path = inline(tmp_path)
        assert add_packages(tmp_path, ["tqdm>=4"]) == path
        assert path.read_text() == INLINE.replace(
            '    "rich",\n', '    "rich",\n    "tqdm>=4",\n'
        )

    def test_a_listed_package_gets_the_new_version(self, tmp_path):
        path = inline(tmp_path)
        add_packages(tmp_path, ["NumPy>=2"])
        assert '    "NumPy>=2",    # not yet\n' in path.read_text()
        assert read_spec(tmp_path).requirements == ("einops", "NumPy>=2", "rich")

    def test_a_package_is_removed_with_its_line(self, tmp_path):
        path = inline(tmp_path)
        remove_packages(tmp_path, ["Rich"])
        text = path.read_text()
        assert "rich" not in text
        assert '"einops",     # shapes' in text
        assert '"numpy<3",    # not yet' in text

    def test_adding_and_removing_keeps_the_spec_readable(self, tmp_path):
        inline(tmp_path)
        add_packages(tmp_path, ["a", "b[x]>1"])
        remove_packages(tmp_path, ["einops", "numpy", "rich"])
        assert read_spec(tmp_path).requirements == ("a", "b[x]>1")
        remove_packages(tmp_path, ["a", "b"])
        assert read_spec(tmp_path).requirements == ()
        add_packages(tmp_path, ["c"])
        assert read_spec(tmp_path).requirements == ("c",)

    def test_a_list_on_one_line_stays_there(self, tmp_path):
        path = inline(tmp_path, 'python = "3.11"\npackages = ["a"]\n')
        add_packages(tmp_path, ["b"])
        assert path.read_text() == 'python = "3.11"\npackages = ["a", "b"]\n'

    def test_an_absent_list_is_made(self, tmp_path):
        inline(tmp_path, 'python = "3.11"\n[target]\ngpus = []\n')
        add_packages(tmp_path, ["b"])
        assert read_spec(tmp_path).requirements == ("b",)

    def test_in_pyproject_it_is_found_too(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text(
            '[tool.firstlight]\npython = "3.11"\npackages = ["a"]\n'
        )
        add_packages(tmp_path, ["b"])
        assert read_spec(tmp_path).requirements == ("a", "b")


class TestRequirementsFile:
    TEXT = (
        "# Ours.\n-r base.txt\n\nnumpy==1 \\\n    --hash=sha256:00  # pinned\n"
        "einops  # shapes\nlast"
    )

    def project(self, folder: Path) -> Path:
        inline(folder, 'python = "3.11"\npackages = "requirements.txt"\n')
        (folder / "base.txt").write_text("base\n")
        path = folder / "requirements.txt"
        path.write_text(self.TEXT)
        return path

    def test_a_package_is_added_at_the_end(self, tmp_path):
        path = self.project(tmp_path)
        assert add_packages(tmp_path, ["tqdm"]) == path
        assert path.read_text() == self.TEXT + "\ntqdm\n"

    def test_a_listed_package_is_replaced_in_place(self, tmp_path):
        path = self.project(tmp_path)
        add_packages(tmp_path, ["numpy==2", "einops>1"])
        assert path.read_text() == (
            "# Ours.\n-r base.txt\n\nnumpy==2  # pinned\neinops>1  # shapes\nlast\n"
        )

    def test_a_package_is_removed_with_its_hashes(self, tmp_path):
        path = self.project(tmp_path)
        remove_packages(tmp_path, ["numpy"])
        assert path.read_text() == ("# Ours.\n-r base.txt\n\neinops  # shapes\nlast\n")


def test_a_group_is_edited_where_it_stands(tmp_path):
    inline(tmp_path, 'python = "3.11"\npackages = { group = "gpu-train" }\n')
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[dependency-groups]\nGPU_train = ["a", {include-group = "b"}]\nb=[]\n'
    )
    assert add_packages(tmp_path, ["c"]) == path
    remove_packages(tmp_path, ["a"])
    assert read_spec(tmp_path).requirements == ("c",)
    assert '{include-group = "b"}' in path.read_text()


def test_an_extra_is_edited_where_it_stands(tmp_path):
    inline(tmp_path, 'python = "3.11"\npackages = { extra = "x" }\n')
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "p"\n[project.optional-dependencies]\nx = ["a"]\n'
    )
    add_packages(tmp_path, ["c"])
    assert read_spec(tmp_path).requirements == ("a", "c")


class TestMistakes:
    def test_an_unlisted_package_changes_nothing(self, tmp_path):
        path = inline(tmp_path)
        with pytest.raises(UsageError, match='"einop" is not') as caught:
            remove_packages(tmp_path, ["rich", "einop"])
        assert caught.value.hint == 'did you mean "einops"?'
        assert path.read_text() == INLINE

    def test_a_malformed_requirement_changes_nothing(self, tmp_path):
        path = inline(tmp_path)
        with pytest.raises(UsageError, match='"=1" names no package'):
            add_packages(tmp_path, ["ok", "=1"])
        assert path.read_text() == INLINE

    def test_torch_has_its_own_field(self, tmp_path):
        inline(tmp_path)
        with pytest.raises(UsageError) as caught:
            add_packages(tmp_path, ["torch==2.7.1"])
        assert 'torch = "2.7.1"' in caught.value.hint

    def test_without_a_spec_there_is_nothing_to_edit(self, tmp_path):
        with pytest.raises(SpecError, match="there is no"):
            add_packages(tmp_path, ["a"])

    def test_an_absent_file_is_named(self, tmp_path):
        inline(tmp_path, 'python = "3.11"\npackages = "requirements.txt"\n')
        with pytest.raises(SpecError, match=r"requirements\.txt"):
            add_packages(tmp_path, ["a"])


class TestTemplate:
    def test_is_a_spec_that_reads(self, tmp_path):
        path = write_template(
            tmp_path,
            name="quickstart",
            python="3.11",
            torch="2.7.1",
            cuda="12.6",
            gpus=['odd "name"', "A100"],
            driver="550.54",
            packages=["jupyterlab", "torchvision"],
        )
        assert path == tmp_path / "firstlight.toml"
        spec = read_spec(tmp_path)
        assert (spec.torch, spec.cuda) == ("2.7.1", "12.6")
        assert spec.requirements == ("jupyterlab", "torchvision")
        assert spec.target.gpus == ('odd "name"', "A100")
        assert spec.target.driver == "550.54"

    def test_of_nothing_known_reads_too(self, tmp_path):
        write_template(tmp_path, name="x", python="3.13")
        assert read_spec(tmp_path).torch == ""

    def test_may_point_to_a_requirements_file(self, tmp_path):
        (tmp_path / "requirements.txt").write_text("a\n")
        write_template(tmp_path, name="x", python="3.13", packages="requirements.txt")
        assert read_spec(tmp_path).requirements == ("a",)

    @pytest.mark.parametrize("name", ["firstlight.toml", "pyproject.toml"])
    def test_never_overwrites(self, tmp_path, name):
        text = "[tool.firstlight]\n"
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError, match="already"):
            write_template(tmp_path, name="x", python="3.13")
        assert (tmp_path / name).read_text() == text


def test_a_linked_file_stays_a_link_and_keeps_its_mode(tmp_path):
    inline(tmp_path, 'python = "3.11"\npackages = "requirements.txt"\n')
    (tmp_path / "real.txt").write_text("a\n")
    (tmp_path / "real.txt").chmod(0o600)
    (tmp_path / "requirements.txt").symlink_to("real.txt")
    add_packages(tmp_path, ["b"])
    assert (tmp_path / "requirements.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "a\nb\n"
    assert (tmp_path / "real.txt").stat().st_mode & 0o777 == 0o600
