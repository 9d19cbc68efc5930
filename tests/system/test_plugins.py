"""The door for other packages: an installed example, used through the real command, and packages that are broken."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tests.support.extras import needs
from tests.support.process import ROOT, Result, Run

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "tests" / "example_plugin"
TINY = "1,3,2,9\n5,6,1,7\n4,2,8,6\n3,5,7,2\n"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the example package."""
    needs("hatchling", extra="test")
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--target", folder, EXAMPLE],
        check=True, timeout=120,
    )  # fmt: skip
    return folder


@pytest.fixture
def plugged(run: Run, example: Path, tmp_path: Path) -> Run:
    """Run the real command where the example is installed, in a folder that has ``tiny.csv``."""
    (tmp_path / "tiny.csv").write_text(TINY)

    def runner(*arguments: str | Path, **more: object) -> Result:
        return run(*arguments, env={"PYTHONPATH": str(example)}, cwd=tmp_path, **more)  # type: ignore[arg-type]  # stdin only

    return runner


def offer(folder: Path, package: str, kind: str, name: str, code: str) -> None:
    """Install a package whose module of its own name runs `code`, and has ROW for a name."""
    (folder / f"{package}.py").write_text(code)
    info = folder / f"{package}-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(f"[poolcli.{kind}s]\n{name} = {package}:ROW\n")


# --- what works -------------------------------------------------------------------------------------------------------


def test_the_names_are_none_that_the_document_has_its_readers_add() -> None:
    points = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    adding = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("\n## Adding things\n")[1]
    taken = set(re.findall(r"[`\"]([\w-]+)[`\"]", adding)) & {name for rows in points.values() for name in rows}
    assert taken == set()


def test_a_mode(plugged: Run) -> None:
    assert plugged("pool", "--mode", "example-midrange", "tiny.csv", "--json").data() == [[3.5, 5], [3.5, 5]]
    assert plugged("pool", "--mode", "global-example-midrange", "tiny.csv", "--json").data() == [[5]]
    assert plugged("pool", "--mode", "range", "tiny.csv", "--json").data() == [[5, 8], [3, 6]]


def test_a_mode_with_a_parameter_made_of_cells(plugged: Run) -> None:
    assert plugged("pool", "--mode", "span:100", "tiny.csv", "--json").data() == [[5, 8], [3, 6]]
    assert plugged("pool", "--mode", "span:50", "tiny.csv", "--json").data() == [[2.75, 5.75], [1.5, 2.25]]
    padded = plugged(
        "pool", "--mode", "span:100", "--size", "3", "--stride", "3", "--padding", "1", "tiny.csv", "--json"
    )
    assert padded.data() == [[5, 8], [3, 6]]
    refused = plugged("pool", "--mode", "span:101", "tiny.csv")
    assert (refused.code, refused.err.splitlines()[0]) == (
        2, "error: span:101 is out of range: S is the share of the cells in percent, in [0, 100]"
    )  # fmt: skip


def test_a_mode_is_explained_by_its_formula(plugged: Run) -> None:
    told = plugged("explain", "--mode", "example-midrange", "tiny.csv", "--json").json()
    assert told["windows"][0]["formula"] == "x = 1, 3, 5, 6; (max(x) + min(x)) / 2"
    shown = plugged("explain", "--mode", "example-midrange", "--shape", "4x4", "--at", "0,0").out
    sentence = "Example-midrange pooling makes (max(x) + min(x)) / 2 of the values x of every window."
    assert sentence in " ".join(shown.split())


@pytest.mark.parametrize(
    ("words", "why"),
    [(("grad",), "has no gradient"), (("pool", "--emit", "numpy"), "comes from another package"),
     (("pool", "--emit", "torch"), "has no example-midrange pooling"), (("pool", "--indices"), "has no indices"),
     (("pool", "--compat", "keras"), "Keras has no example-midrange pooling"),
     (("explain", "-o", "page.html"), "comes from another package")],
)  # fmt: skip
def test_what_poolcli_cannot_do_with_a_mode_it_does_not_know(plugged: Run, words: tuple[str, ...], why: str) -> None:
    result = plugged(*words, "--mode", "example-midrange", "tiny.csv")
    assert (result.code, result.raw) == (2, b"")
    assert why in result.err
    assert "Traceback" not in result.err


def test_a_filter(plugged: Run) -> None:
    values = np.array(plugged("conv", "--filter", "example-cross", "tiny.csv", "--json").data())
    np.testing.assert_allclose(values, [[17 / 5, 24 / 5], [25 / 5, 24 / 5]])
    words = ("conv", "--filter", "example-cross", "then", "pool", "--mode", "example-midrange")
    stacked = plugged("run", "--json", "tiny.csv", *words)
    assert stacked.data() == [[pytest.approx(4.2)]]


def test_a_format_by_extension_and_by_name(plugged: Run, tmp_path: Path) -> None:
    assert plugged("pool", "tiny.csv", "-o", "out.xyz").code == 0
    written = (tmp_path / "out.xyz").read_bytes()
    assert written == b"0 0 6.0\n0 1 9.0\n1 0 5.0\n1 1 8.0\n"
    assert plugged("pool", "tiny.csv", "--format", "xyz").raw == written
    assert plugged("pool", "tiny.csv", "-o", "out.pts").code == 0
    assert (tmp_path / "out.pts").read_bytes() == written
    assert plugged("pool", "out.xyz", "--json").data() == [[9]]
    assert plugged("pool", "--input-format", "xyz", "--json", stdin=written).data() == [[9]]
    assert "out.pts: format xyz" in plugged("pool", "out.pts", "-v").err


def test_a_format_of_poolcli_is_named_by_its_extension_as_well(run: Run, tiny: Path) -> None:
    assert run("pool", "-f", "jpg", tiny).raw == run("pool", "-f", "jpeg", tiny).raw
    assert run("pool", "-f", "json", "--input-format", "tab", tiny).code == 1
    refused = run("pool", "-f", "psd", tiny)
    assert (refused.code, refused.raw) == (2, b"")
    assert refused.err.startswith("error: the format psd can be read, but not written")


def test_errors_of_a_format_are_poolclis_own(plugged: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.xyz").write_text("0 0 1\n1 1 2\n")
    result = plugged("pool", "bad.xyz")
    message = "error: bad.xyz has 2 points, but a 2x2 map has 4\nhint: give one point for each cell\n"
    assert (result.code, result.err) == (1, message)


def test_python_finds_the_same_names(python: Run, example: Path, tmp_path: Path) -> None:
    code = (
        "from poolcli import FeatureMap, conv, pool, read, write; x = pool([[1, 3], [5, 6]], 'example-midrange'); "
        "write(FeatureMap.from_array(conv(x, 'example-cross', padding=1)), 'x.xyz'); print(read('x.xyz').values)"
    )
    result = python("-c", code, env={"PYTHONPATH": str(example)}, cwd=tmp_path)
    assert (result.out, result.err) == ("[[0.7]]\n", "")


def test_a_formats_file_may_start_like_a_foreign_one(plugged: Run, tmp_path: Path) -> None:
    (tmp_path / "zip.xyz").write_bytes(b"PK\3\4")
    assert plugged("pool", "zip.xyz").err.startswith("error: zip.xyz: not enough values to unpack")


def test_lists_name_the_package(plugged: Run, run: Run) -> None:
    listed = {row["mode"]: row["package"] for row in plugged("modes", "--json").json()}
    assert {name: package for name, package in listed.items() if package} == {
        "example-midrange": "poolcli-example 1.0", "span:S": "poolcli-example 1.0"
    }  # fmt: skip
    assert plugged("filters", "--json").json()[-1] == {
        "filter": "example-cross", "kernel": [[0, 1, 0], [1, 1, 1], [0, 1, 0]], "scale": 5,
        "finds": "average of the four neighbours", "source": "this example", "package": "poolcli-example 1.0",
    }  # fmt: skip
    assert plugged("modes").cells()[0][-1] == "package"
    assert "package" not in run("modes").out


def test_a_wrong_name_is_compared_with_those_of_packages(plugged: Run) -> None:
    assert "did you mean example-midrange" in plugged("pool", "--mode", "example-midrang", "tiny.csv").err
    assert "did you mean example-cross?" in plugged("conv", "--filter", "example-cros", "tiny.csv").err
    assert "did you mean xyz?" in plugged("pool", "--format", "xyzz", "tiny.csv").err


def test_worker_processes_know_packages(plugged: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"{number}.xyz").write_text(f"0 0 {number}\n0 1 4\n1 0 5\n1 1 6\n")
    (tmp_path / "in" / "notes.txt").write_text("no points")
    result = plugged("batch", "in", "-o", "out", "--mode", "example-midrange", "-j", "2")
    assert result.code == 0, result.err
    assert {path.name: path.read_text() for path in (tmp_path / "out").glob("[0-9]*")} == {
        "0.xyz": "0 0 3.0\n", "1.xyz": "0 0 3.5\n", "2.xyz": "0 0 4.0\n"
    }  # fmt: skip
    assert plugged("batch", "in", "-o", "csv", "--format", "csv", "-j", "2").code == 0
    assert (tmp_path / "csv" / "0.csv").read_text() == "6.0\n"
    assert plugged("batch", "tiny.csv", "-o", "points", "--format", "pts").code == 0
    assert (tmp_path / "points" / "tiny.xyz").read_text().startswith("0 0 6.0\n")


def test_workers_of_a_cluster_know_packages(
    plugged: Run, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("distributed", extra="dask")
    from benchmarks.cluster import cluster

    monkeypatch.setenv("PYTHONPATH", str(example))
    (tmp_path / "dask").mkdir()
    with cluster(tmp_path / "dask", 1) as there:
        words = ("--mode", "example-midrange", "--filter", "example-cross", "--format", "xyz")
        result = plugged("batch", "tiny.csv", "-o", "out", *words, "--scheduler", there.address)
    assert result.code == 0, result.err
    assert (tmp_path / "out" / "tiny.xyz").read_text() == "0 0 4.2\n"


# --- what it costs ----------------------------------------------------------------------------------------------------

PROBE = """
import sys
sys.argv = ["poolcli", *sys.argv[1:]]
from poolcli.__main__ import main
code = main()
found = (name for name in sys.modules if name == "importlib.metadata" or name.startswith("poolcli_example"))
print(*sorted(found), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("words", "loaded"),
    [(("pool", "tiny.csv", "--mode", "l2", "--filter", "box", "-o", "out.png"), ""),
     (("pool", "tiny.csv", "--json"), ""), (("--version",), ""), (("pool", "--help"), ""),
     (("pool", "tiny.csv", "--mode", "example-midrange", "--json"),
      "importlib.metadata poolcli_example poolcli_example.rows"),
     (("pool", "tiny.csv", "-q", "-o", "out.xyz"),
      "importlib.metadata poolcli_example poolcli_example.xyz")],
)  # fmt: skip
def test_known_names_look_at_no_package(
    python: Run, example: Path, tmp_path: Path, words: tuple[str, ...], loaded: str
) -> None:
    (tmp_path / "tiny.csv").write_text(TINY)
    result = python("-c", PROBE, *words, env={"PYTHONPATH": str(example)}, cwd=tmp_path)
    assert result.code == 0, result.err
    assert result.err.splitlines()[-1] == loaded


# --- what is broken ---------------------------------------------------------------------------------------------------

MODE = "from poolcli.plugins import MAX, Mode\nROW = Mode({name!r}, 'max(x)', (MAX,))\n"
SAYS = "hint: docs/architecture.md says under 'From a package of your own' what a package must provide"


@pytest.mark.parametrize(
    ("code", "error", "hint"),
    [
        ("import not_there", "cannot be loaded: ModuleNotFoundError: No module named 'not_there'", None),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero", None),
        ("raise SystemExit", "cannot be loaded: SystemExit", None),
        ("", "cannot be loaded: AttributeError: module 'broken' has no attribute 'ROW'", None),
        ("ROW = 3", "is of type int, but must be a poolcli.plugins.Mode", SAYS),
        (
            "from poolcli.plugins import Mode as ROW",
            "is the class Mode, but must be a poolcli.plugins.Mode",
            SAYS,
        ),
        (MODE.format(name="other"), "is called 'other'", SAYS),
    ],
)
def test_a_broken_mode_is_one_error(
    run: Run, tiny: Path, tmp_path: Path, code: str, error: str, hint: str | None
) -> None:
    offer(tmp_path, "broken", "mode", "odd", code)
    there = {"PYTHONPATH": str(tmp_path)}
    result = run("pool", "--mode", "odd", tiny, env=there)
    assert (result.code, result.raw) == (1, b"")
    assert result.err.splitlines() == [
        f"error: the mode 'odd' of the package broken 2.0 (broken:ROW) {error}",
        hint or "hint: update or uninstall broken; POOLCLI_DEBUG=1 shows where it fails",
    ]
    assert run("pool", "--mode", "max", tiny, env=there).code == 0
    listed = run("modes", env=there)
    assert (listed.code, listed.err) == (0, f"note: the mode 'odd' of the package broken 2.0 (broken:ROW) {error}\n")
    assert "stochastic" in listed.out


def test_debugging_shows_where_a_package_fails(run: Run, tiny: Path, tmp_path: Path) -> None:
    offer(tmp_path, "broken", "mode", "odd", "1 / 0")
    result = run("pool", "--mode", "odd", tiny, env={"PYTHONPATH": str(tmp_path), "POOLCLI_DEBUG": "1"})
    assert f'{tmp_path / "broken.py"}", line 1' in result.err


@pytest.mark.parametrize(
    ("kind", "words", "wanted"),
    [("filter", ("conv", "--filter", "odd"), "poolcli.plugins.Filter"),
     ("format", ("pool", "-o", "out.odd"), "poolcli.plugins.Format"),
     ("format", ("pool", "-f", "odd"), "poolcli.plugins.Format"),
     ("format", ("pool", "--input-format", "odd"), "poolcli.plugins.Format")],
)  # fmt: skip
def test_a_broken_filter_or_format_is_one_error(
    run: Run, tiny: Path, tmp_path: Path, kind: str, words: tuple[str, ...], wanted: str
) -> None:
    offer(tmp_path, "broken", kind, "odd", "ROW = 'odd'")
    result = run(*words, tiny, env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    assert (result.code, result.raw) == (1, b"")
    what = f"the {kind} 'odd' of the package broken 2.0 (broken:ROW)"
    assert result.err.splitlines() == [f"error: {what} is of type str, but must be a {wanted}", SAYS]


def test_two_packages_with_one_name_are_an_error(run: Run, tiny: Path, tmp_path: Path) -> None:
    for package in ("two", "one"):
        offer(tmp_path, package, "mode", "odd", MODE.format(name="odd"))
    result = run("pool", "--mode", "odd", tiny, env={"PYTHONPATH": str(tmp_path)})
    assert (result.code, result.err) == (
        1, "error: several packages have a mode 'odd': one 2.0 (one:ROW) and two 2.0 (two:ROW)\n"
        "hint: uninstall all but one\n",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["max", "average"])
def test_what_poolcli_has_cannot_be_replaced(run: Run, tiny: Path, tmp_path: Path, name: str) -> None:
    offer(tmp_path, "taker", "mode", name, "raise AssertionError('loaded')")
    there = {"PYTHONPATH": str(tmp_path)}
    assert run("pool", "--mode", name, tiny, "--json", env=there).data() == (
        [[6, 9], [5, 8]] if name == "max" else [[3.75, 4.75], [3.5, 5.75]]
    )
    assert run("modes", env=there).err == (
        f"note: the mode '{name}' of the package taker 2.0 (taker:ROW) is not used: poolcli has its own\n"
    )


def test_a_format_cannot_borrow_the_name_of_one_that_poolcli_has(run: Run, tiny: Path, tmp_path: Path) -> None:
    code = (
        "from poolcli.plugins import Format\n"
        "class Odd(Format):\n    read = write = print\n"
        "ROW = Odd('csv', ('.odd',), 'Not CSV.')\n"
    )
    offer(tmp_path, "taker", "format", "odd", code)
    result = run("pool", tiny, "-o", "out.odd", env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    assert (result.code, result.err) == (
        1, "error: a package's format for 'odd' is called csv, like one of poolcli's\n"
        "hint: uninstall the package, or rename its format\n"
    )  # fmt: skip
