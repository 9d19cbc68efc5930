"""The real command in a process of its own and a clean environment, its result in pieces, and the sample inputs."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from poolcli.system.limits import processors
from tests.support.browser import axe, calculator, chromium, opened, reused  # noqa: F401 - fixtures, for every test
from tests.support.extras import missing
from tests.support.process import ROOT, SAMPLES, Result, Run, Shell, clean_environment, command, execute, execute_here

if TYPE_CHECKING:
    from tests.support.forks import Forks

# No deadline: the machines that run this are shared. The same examples every time: what passed once passes again.
settings.register_profile("poolcli", deadline=None, derandomize=True)
settings.load_profile("poolcli")

gc.disable()  # until all is collected, for of that nothing is garbage

# Where signals are ignored, as under nohup or in a script's background, the commands under test would ignore them too.
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers a processor: the slow tests mostly wait, for a browser, a child or a clock."""
    return 2 * processors()


def pytest_configure(config: pytest.Config) -> None:
    """Have xdist take the files in our order, and each worker begin with modules of its own."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False
    name = os.environ.get("PYTEST_XDIST_WORKER")
    if name and not config.getoption("cov_source", None):  # which counts what is imported later
        compiled(config.args, int(name.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


def compiled(folders: list[str], number: int, count: int) -> None:
    """Import one worker's share of the modules, so that no two workers compile the same; all then find them all."""
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if path.is_relative_to(ROOT)]
    words = [path.relative_to(ROOT).with_suffix("").parts for path in files]
    wanted = [one for one in words if one[0] == "poolcli" or one[-1].startswith("test_")]
    for parts in [one for one in wanted if one[-1] != "__main__"][number::count]:  # that changes what Ctrl-C does
        with suppress(Exception, pytest.skip.Exception, pytest.fail.Exception):  # told where it is collected
            import_module(".".join(parts))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for examples in the docstrings of poolcli alone: below this folder are no modules with any."""
    found = yield
    return [one for one in found if type(one) is pytest.Module]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have the most slow tests, so that no worker is left alone with one at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


def pytest_collection_finish() -> None:
    """Keep thousands of collected tests out of every later search for garbage (Hypothesis before 6.140 cannot)."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def call() -> Run:
    """Run the command line in this process, twenty times as fast as `run`, with the same arguments and result."""

    def runner(*arguments: str | Path, **more: Any) -> Result:
        return execute_here(arguments, **more)

    return runner


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Run the command line in a child of a Python that has everything loaded, with limits and signals of its own."""
    if not hasattr(os, "fork"):
        missing("this system does not fork")
    from tests.support.forks import forking

    with forking(tmp_path_factory.mktemp("forks")) as server:
        yield server


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Path:
    """The folder of a ``poolcli`` that starts as fast as the system allows."""
    return request.getfixturevalue("forks").folder if hasattr(os, "fork") else Path(command()).parent


@pytest.fixture(scope="session")
def run(programs: Path) -> Run:
    """Run the command in a process of its own: ``run("pool", path, stdin=..., env=..., cwd=...)``.

    It starts from nothing where the environment says how Python starts or `fresh` does, and is a child of `forks`
    elsewhere.
    """

    def runner(*arguments: str | Path, fresh: bool = False, **more: Any) -> Result:
        program = command() if fresh or starts_python(more.get("env")) else programs / Path(command()).name
        return execute([program, *arguments], **more)

    return runner


@pytest.fixture(scope="session")
def shell(programs: Path) -> Shell:
    """Run a line in a real shell: ``shell("poolcli conv ... | poolcli pool")``; `fresh` starts Python from nothing."""

    def runner(line: str, *, fresh: bool = False, env: Mapping[str, str] | None = None, **more: Any) -> Result:
        path = {} if fresh or starts_python(env) else {"PATH": clean_environment(None, programs)["PATH"]}
        return execute(["bash", "-c", line], env=path | dict(env or {}), **more)

    return runner


def starts_python(env: Mapping[str, str] | None) -> bool:
    """Whether an environment says how Python starts; where it looks for modules, a child of `forks` does as well."""
    return any(name.startswith(("PYTHON", "LC_", "LANG")) and name != "PYTHONPATH" for name in env or {})


@pytest.fixture(scope="session")
def python() -> Run:
    """Run the Python under test: ``python("-m", "poolcli", ...)``."""

    def runner(*arguments: str | Path, **more: Any) -> Result:
        return execute([sys.executable, *arguments], **more)

    return runner


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample inputs."""
    return SAMPLES


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A file ``tiny.csv`` with the 4x4 matrix whose maxima are 6 9 / 5 8."""
    path = tmp_path / "tiny.csv"
    path.write_text("1,3,2,9\n5,6,1,7\n4,2,8,6\n3,5,7,2\n", encoding="utf-8")
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, which only root can make."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"no small file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
