"""The wheel and the sdist: built without a network, looked into, installed, used, and seen by a type checker."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

import poolcli
from tests.support.extras import needs
from tests.support.process import ROOT

pytestmark = pytest.mark.slow

needs("hatchling", "mypy", extra="test")

PACKAGE = ROOT / "poolcli"
CONFIGURED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = CONFIGURED["project"]
(BUILDER,) = CONFIGURED["build-system"]["requires"]
FOLDERS = ("poolcli", "tests", "sample_inputs", "docs", "benchmarks", "packaging")
ASSETS = {".css", ".html", ".js", ".typed"}  # what is no Python and belongs in the wheel


def done(*words: str | Path, cwd: Path = ROOT) -> str:
    """Run a program to its end, without this checkout on its path, and return what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "POOLCLI"))}
    result = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def built(kind: str, source: Path, folder: Path) -> Path:
    """Build the wheel or the sdist of a source tree."""
    done(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", folder, cwd=source)
    (made,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in an unpacked sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built("sdist", ROOT, folder)) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"poolcli-{poolcli.__version__}"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel, and the packages that this one has."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    here = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    done(
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin" / "python", "install",
        "--quiet", "--no-deps", "--no-index", wheel,
    )  # fmt: skip
    borrowed = [path for path in sys.path if path.endswith("-packages")]  # neither this checkout nor editable installs
    (here / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    return folder / "bin"


def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def head(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def tree(folder: Path) -> set[str]:
    """The files of a folder, without what Python and the tools leave there."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {str(path) for path in files if not any(part.startswith((".", "__pycache__")) for part in path.parts)}


# --- what is in them --------------------------------------------------------------------------------------------------


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    info = f"poolcli-{poolcli.__version__}.dist-info"
    inside = names(wheel)
    about = {name for name in inside if name.startswith(info)}
    assert {f"{info}/{name}" for name in ("METADATA", "RECORD", "entry_points.txt", "licenses/LICENSE")} <= about
    manual = f"poolcli-{poolcli.__version__}.data/data/share/man/man1/poolcli.1"
    assert inside - about == {*(f"poolcli/{name}" for name in tree(PACKAGE)), manual}
    assert {Path(name).suffix for name in inside - about - {manual}} == {".py", *ASSETS}
    assert "poolcli/py.typed" in inside


def test_the_sdist_holds_what_its_tests_need(unpacked: Path) -> None:
    for folder in FOLDERS:
        assert tree(unpacked / folder) == tree(ROOT / folder), folder
    assert {path.name for path in unpacked.iterdir()} - {*FOLDERS} == {
        ".ci", ".gitignore", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "PKG-INFO", "README.md",
        "SECURITY.md", "pyproject.toml",
    }  # fmt: skip


def test_the_sdist_makes_the_same_wheel(wheel: Path, unpacked: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as one, ZipFile(built("wheel", unpacked, tmp_path)) as other:
        assert {name: one.read(name) for name in one.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }


# --- what they say ----------------------------------------------------------------------------------------------------


def test_the_version_is_written_once(wheel: Path) -> None:
    assert head(wheel)["Version"] == poolcli.__version__
    assert PROJECT["dynamic"] == ["version"]
    written = re.compile(rf"(?<![\d.]){re.escape(poolcli.__version__)}(?![\d.])")
    places = [path for path in PACKAGE.rglob("*.py") if written.search(path.read_text(encoding="utf-8"))]
    assert places == [PACKAGE / "__init__.py"]


def test_what_is_cited_is_this_version() -> None:
    assert f"version: {poolcli.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_conda_recipe_is_of_this_version_and_needs_the_same() -> None:
    recipe = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    assert f'version: "{poolcli.__version__}"\n' in recipe
    listed = {key: re.findall(r"^    - (.*)$", lines, re.MULTILINE)
              for key, lines in re.findall(r"^  (host|run):\n((?:    - .*\n)+)", recipe, re.MULTILINE)}  # fmt: skip
    python = f"python {PROJECT['requires-python']}"
    assert listed["run"] == [python, *(need.replace(">=", " >=") for need in PROJECT["dependencies"])]
    assert [need for need in listed["host"] if need != "pip"] == [python, BUILDER.replace(">=", " >=")]
    assert f'summary: "{PROJECT["description"]}"' in recipe


def test_the_formula_is_ruby_and_is_filled_in_as_contributing_says(tmp_path: Path) -> None:
    formula = (ROOT / "packaging" / "homebrew" / "poolcli.rb").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (fill,) = re.findall(r"^ *(sum=.*\n *sed .*)$", contributing, re.MULTILINE)
    for folder in ("dist", "packaging/homebrew"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "packaging" / "homebrew" / "poolcli.rb").write_text(formula, encoding="utf-8")
    (tmp_path / "dist" / "poolcli-1.tar.gz").write_bytes(b"sdist")
    done("bash", "-euc", f"url=example/a.tar.gz; {fill}", cwd=tmp_path)
    made = (tmp_path / "poolcli.rb").read_text(encoding="utf-8")
    assert f'  url "example/a.tar.gz"\n  sha256 "{hashlib.sha256(b"sdist").hexdigest()}"\n' in made
    assert PROJECT["description"].startswith(re.findall(r'desc "(.*)"', formula)[0])
    if shutil.which("ruby"):
        assert done("ruby", "-c", "poolcli.rb", cwd=tmp_path) == "Syntax OK\n"


def test_the_metadata(wheel: Path) -> None:
    said = head(wheel)
    assert (said["Name"], said["License-Expression"], said["Requires-Python"]) == ("poolcli", "MIT", ">=3.11")
    assert said["Description-Content-Type"] == "text/markdown"
    classifiers = said.get_all("Classifier") or []
    assert "Typing :: Typed" in classifiers
    assert f"Programming Language :: Python :: {sys.version_info[0]}.{sys.version_info[1]}" in classifiers


def test_nothing_has_an_upper_bound(wheel: Path) -> None:
    """A bound that nobody needs keeps people from updates."""
    wanted = head(wheel).get_all("Requires-Dist") or []
    assert len(wanted) > 5
    assert [line.partition("<")[0] for line in wanted if re.search(r"<|==|~=", line.partition(";")[0])] == []


# --- what they do -----------------------------------------------------------------------------------------------------


def test_the_wheel_works_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.csv").write_text("1,3\n5,6\n")
    assert done(installed / "poolcli", "--version", cwd=tmp_path) == f"poolcli {poolcli.__version__}\n"
    assert done(installed / "poolcli", "pool", "tiny.csv", "-f", "csv", cwd=tmp_path) == "6\n"
    done(installed / "poolcli", "explain", "tiny.csv", "-o", "page.html", cwd=tmp_path)
    assert "</html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    where = done(installed / "python", "-c", "import poolcli.cli; print(poolcli.cli.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(installed.parent)


def test_a_type_checker_sees_the_types_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    """In one run, as most of its time goes to NumPy's types: what is right beside the same with one wrong line."""
    text = (ROOT / "tests" / "typing" / "uses.py").read_text(encoding="utf-8")
    wrong = text.replace("assert_type(pool(x), NDArray[Any])", "assert_type(pool(x), int)")
    for name, content in (("uses.py", text), ("wrong.py", wrong)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    done(installed / "python", "uses.py", cwd=tmp_path)
    checked = ("mypy", "--strict", "--cache-dir", os.devnull, "--config-file", "",
               "--python-executable", installed / "python", "uses.py", "wrong.py")  # fmt: skip
    with pytest.raises(AssertionError, match=r"wrong.py:\d+: error: Expression is of type") as caught:
        done(sys.executable, "-m", *checked, cwd=tmp_path)
    assert "Found 1 error in 1 file (checked 2 source files)" in str(caught.value)


# --- what is told about them ------------------------------------------------------------------------------------------


def test_the_changelog_keeps_its_form() -> None:
    """Keep a Changelog: what is not released first, then versions with their days, and six kinds of changes."""
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    versions = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert versions[0] == "[Unreleased]"
    assert [line for line in versions[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line)] == []
    kinds = {line.removeprefix("### ") for line in lines if line.startswith("### ")}
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for line in lines[lines.index("## [Unreleased]") :]:
        assert line.startswith(("## ", "### ", "- ", "  ")) or not line, line
