"""The rules of the house, read from the source: each is shown to see a house that breaks it.

A rule is a function from the source to what offends it; `broken` is a small house in which it has to find `seen`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from string import Formatter

import pytest

import poolcli
from poolcli import errors
from poolcli.analysis.invariance import measure
from poolcli.cli.front_page import EXIT_CODES
from poolcli.cli.registry import COMMANDS
from poolcli.emit import emit
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.pooling.filters import FILTERS
from poolcli.pooling.frameworks import FRAMEWORKS
from poolcli.pooling.modes import MODES
from poolcli.pooling.options import KEYWORDS
from poolcli.render.kinds import HEEDED
from tests.support.process import ROOT, Run
from tests.support.rows import in_turn
from tests.support.source import Function, Source, above, brings_others, is_library, under

PACKAGE = ROOT / "poolcli"
HOUSE = Source.of(PACKAGE)
TESTS = Source.of(ROOT / "tests")

# --- the floor plan ---------------------------------------------------------------------------------------------------

# Who may import whom of poolcli; every other arrow is an offence. A folder may import itself, all may import what
# stands below everything, and the front doors (`poolcli`, `notebook`, `plugins`) may import all but the command line,
# for which there is `__main__`.
EVERYWHERE = ("errors", "wording")
FRONT_DOORS = ("poolcli", "poolcli.__main__", "poolcli.notebook", "poolcli.plugins")
ARROWS: dict[str, tuple[str, ...]] = {
    "cli": (
        "render", "batch", "large", "models", "emit", "analysis", "steps", "formats", "pooling", "system",
        "featuremap", "colors", "window",
    ),
    "render": ("analysis", "steps", "pooling", "system", "featuremap", "colors", "window"),  # of system the limits
    "batch": ("steps", "formats", "pooling", "system", "featuremap"),
    "large": ("steps", "formats", "pooling", "system", "featuremap", "window"),
    "models": ("steps", "pooling", "system", "featuremap", "window"),
    "emit": ("steps", "pooling", "featuremap", "window"),
    "analysis": ("steps", "pooling", "featuremap", "window"),
    "steps": ("pooling", "formats", "system", "featuremap", "window", "arrays"),
    "pooling": ("kernels", "window", "system", "arrays"),
    "formats": ("featuremap", "colors", "system", "arrays", "window"),
    "kernels": ("window", "system"),
    "window": ("system",),
}  # fmt: skip
MOST_ROWS = 12
MOST_LOOSE = 10
LONGEST = 60  # lines of a function, its docstring not counted


def part(module: str) -> str:
    """The folder or the loose file that a module belongs to."""
    return module.split(".")[1]


def against_the_arrows(house: Source) -> list[str]:
    """Return what a module imports of another part that it may not know."""
    return [
        f"{module} imports {one.name}"
        for module, imports in house.imports.items()
        for one in imports
        if under(one.name, "poolcli") and one.name != "poolcli"
        if (
            under(one.name, "poolcli.cli") and module != "poolcli.__main__"
            if module in FRONT_DOORS
            else part(one.name) not in (part(module), *EVERYWHERE, *ARROWS.get(part(module), ()))
        )
    ]


def circles(house: Source) -> list[str]:
    """Return the files that import themselves through others, in functions, for types and by their name too."""

    def reached(module: str) -> set[str]:
        found: set[str] = set()
        ahead = [module]
        while ahead:
            more = (house.used(ahead.pop()) & set(house.trees)) - found
            found |= more
            ahead += more
        return found

    return [module for module in house.trees if module in reached(module)]


def loose_files(house: Source) -> list[str]:
    """Return the files beside the folders, if there are too many to see at a glance."""
    loose = [module for module in house.trees if module.count(".") == 1 and module not in house.folders]
    return loose if len(loose) > MOST_LOOSE else []


def folders_without_a_word(house: Source) -> list[str]:
    """Return the folders whose docstring does not begin with one sentence that says what is in them."""
    heads = {folder: (ast.get_docstring(house.trees[folder]) or "").partition("\n\n")[0] for folder in house.folders}
    return sorted(
        folder for folder, head in heads.items() if not head.endswith(".") or ". " in head or len(head) < MOST_LOOSE
    )


def light_imports_in_functions(house: Source) -> list[str]:
    """Return the imports inside functions that cost nothing at the head."""
    return [
        f"{module}:{one.line} {one.name}"
        for module, imports in house.imports.items()
        if module not in FRONT_DOORS
        for one in imports
        if one.place == "function"
        and not is_library(one.name)
        and not (house.heavy & {*above(one.name)} if under(one.name, "poolcli") else brings_others(one.name))
    ]


# --- one home ---------------------------------------------------------------------------------------------------------

FRAMEWORK = re.compile(rf"({'|'.join(FRAMEWORKS)})(-\w+)*")
OPTION = re.compile(
    r"(?<![\w-])(?<!soffice )(?<!csv )(?<!protoc )--[a-z]"
)  # what others are asked is no option of ours


def framework_names(house: Source) -> list[str]:
    """Return the names of frameworks that stand elsewhere than in their rows and in what writes their code."""
    return [
        f"{module}:{text.line} {text.value}"
        for module, texts in house.texts.items()
        if not under(module, "poolcli.pooling.frameworks", "poolcli.emit")
        for text in texts
        if FRAMEWORK.fullmatch(text.value)
    ]


def typed_options(house: Source) -> list[str]:
    """Return the texts that name an option as the command line has it, where Python is spoken too."""
    return [
        f"{module}:{text.line} {text.value}"
        for module, texts in house.texts.items()
        if not under(module, "poolcli.cli", "poolcli.__main__")
        for text in texts
        if OPTION.search(text.value)
    ]


def meaning(name: str, module: str, node: ast.stmt) -> str:
    """What a name stands for where it is defined: the same for two homes means that they mean the same."""
    folder = module.rpartition(".")[0]
    if name in {*COMMANDS, *poolcli.__all__} and isinstance(node, Function):  # a word of users, the same on every floor
        return name
    if isinstance(node, Function):  # files of a folder that are called in the same way, such as those of formats
        return f"{folder} {ast.unparse(node.args)} -> {node.returns and ast.unparse(node.returns)}"
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):  # a type's short name
        return ast.unparse(node.value)
    return f"{module} {node.lineno}"


def names_with_two_meanings(house: Source) -> list[str]:
    """Return the public names that are defined in several files for several things."""
    found = []
    for name, homes in house.homes.items():
        meanings = {meaning(name, module, node) for module, node in homes.items()}
        if len(meanings) > 1:
            found.append(f"{name}: {', '.join(sorted(homes))}")
    return sorted(found)


def keywords() -> set[str]:
    """What the functions of Python that a user calls are given."""
    functions = (
        poolcli.conv, poolcli.explain, poolcli.compare, poolcli.pool, poolcli.grad, poolcli.unpool, emit, measure,
    )  # fmt: skip
    named = {name for function in functions for name in signature(function).parameters}
    drawn = {name for names in HEEDED.values() for name in names}
    return named | drawn | {*KEYWORDS} | {*ReadOptions._fields, *WriteOptions._fields}


# what only a command line offers: many files, clusters, arrays larger than memory, layers known by their sizes alone
TYPED_ONLY = ("poolcli.cli", "poolcli.batch", "poolcli.large", "poolcli.system", "poolcli.steps.shapes")


def hints_without_a_keyword(house: Source) -> list[str]:
    """Return the options in hints that a Python function does not have, but for what a `Typed` says."""
    known = keywords()
    return [
        f"{module}:{phrase.lineno} {name}"
        for module, tree in house.trees.items()
        if not under(module, *TYPED_ONLY)
        for phrase in phrases(tree)
        for name in fields_of(phrase)
        if name not in known and name not in {word.arg for word in phrase.keywords}
    ]


def phrases(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the phrases with a text, those that a `Typed` holds left out."""
    left = [tree]
    while left:
        node = left.pop()
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called == "Phrase" and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
            yield node
        left += ast.iter_child_nodes(node) if called != "Typed" else ()


def fields_of(phrase: ast.Call) -> list[str]:
    parsed = Formatter().parse(ast.literal_eval(phrase.args[0]))
    return [name for _, name, _, _ in parsed if name and not name.isdigit()]


# --- nothing hidden ---------------------------------------------------------------------------------------------------

WRITERS = {"update", "setdefault", "pop", "clear", "popitem", "putenv", "unsetenv"}


def environment_writes(house: Source) -> list[str]:
    """Return where a parameter may travel through the environment."""
    return [
        f"{module}:{node.lineno}"
        for module, nodes in house.nodes.items()
        if module != "poolcli.__main__"
        for node in nodes
        if (
            isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del) and of_environment(node.value)
        )
        or (isinstance(node, ast.Attribute) and node.attr in WRITERS and of_environment(node.value))
    ]


def of_environment(node: ast.expr) -> bool:
    return ast.unparse(node) in ("os.environ", "environ", "os")


def hidden_memory(house: Source) -> list[str]:
    """Return what acts when an object goes, or counts who holds it; one function of the kernels may count."""
    found = [f"{module} {f.name}" for module, f in house.functions() if f.name == "__del__"]
    counting = [
        f"{module} {f.name}"
        for module, f in house.functions()
        if "getrefcount" in house.written(module)
        if any("getrefcount" in ast.unparse(node) for node in ast.walk(f) if isinstance(node, ast.Call))
    ]
    allowed = len(counting) == 1 and counting[0].startswith("poolcli.kernels.")
    return found + ([] if allowed else counting)


# Who may send something to a terminal: the one writer, which filters, what it writes with, and Rich, which draws for it
WAYS_OUT = ("poolcli.cli.output", "poolcli.system.files", "poolcli.cli.console", "poolcli.__main__")
SENDERS = {"print", "echo", "secho", "print_exc", "print_exception", "os.write", "Console"}
METHODS = re.compile(r"(sys\.(__)?std(out|err).*|.*[Cc]onsole(\(.*\))?|rich|typer|click)\.(print|write(lines)?|s?echo)")
LOOKERS = {"wants_color", "getattr", "isinstance"}


def ways_out(house: Source) -> list[str]:
    """Return where something may get to a terminal past the one writer: a stream written to, or handed on."""
    found = []
    for module, nodes in house.nodes.items():
        for node in nodes if module not in WAYS_OUT else ():
            if not isinstance(node, ast.Call | ast.Assign | ast.Dict | ast.Return):
                continue
            if (isinstance(node, ast.Call) and sends(node)) or hands_on(node):
                found.append(f"{module}:{node.lineno}")
    return sorted(set(found))


def sends(call: ast.Call) -> bool:
    """Whether a call prints, or writes to a standard stream."""
    name = ast.unparse(call.func)
    return name in SENDERS or METHODS.fullmatch(name) is not None


def hands_on(node: ast.Call | ast.Assign | ast.Dict | ast.Return) -> bool:
    """Whether a standard stream goes to a name or a function, where nobody sees what is written to it."""
    if isinstance(node, ast.Call):
        held = [] if ast.unparse(node.func) in LOOKERS else [*node.args, *(word.value for word in node.keywords)]
    elif isinstance(node, ast.Dict):
        held = [*node.values]
    else:
        held = [node.value] if node.value else []
    named = (ast.unparse(one) for one in held if isinstance(one, ast.Attribute))
    return any(re.fullmatch(r"sys\.(__)?std(out|err)(__)?(\.buffer)?", name) for name in named)


def errors_without_a_hint(house: Source) -> list[str]:
    """Return where an error is made that says what is wrong and not what to do."""
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.PoolcliError)]
    names = {kind.__name__ for kind in kinds if "__init__" not in vars(kind)} | {"PoolcliError"}  # others make theirs
    calls = [
        (module, node)
        for module, nodes in house.nodes.items()
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]
    return [f"{module}:{call.lineno}" for module, call in calls if not _advises(call)]


def _advises(call: ast.Call) -> bool:
    """Whether the second argument of an error says anything, as far as reading shows."""
    hints = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "hint")]
    return any(not isinstance(hint, ast.Constant) or bool(hint.value) for hint in hints)


@dataclass(frozen=True)
class Rule:
    """What the house keeps, with a house that does not."""

    find: Callable[[Source], list[str]]
    broken: Mapping[str, str]
    seen: list[str]
    owed: int = 0  # offenders that there still may be: to be lowered as they go, never raised

    @property
    def name(self) -> str:
        return self.find.__name__


FILES = {f"poolcli.file_{number}": "" for number in range(MOST_LOOSE + 1)}
RULES = [
    Rule(
        against_the_arrows,
        {
            "poolcli.window": "def f():\n    from poolcli.formats import csv\n    import poolcli.cli as c",
            "poolcli.steps.recipe": "from poolcli.errors import E\nimport poolcli.pooling.modes, poolcli.plugins",
            "poolcli.featuremap": "def f():\n    return importlib.import_module('poolcli.notebook')",
            "poolcli.notebook": "def f():\n    from poolcli.cli.words import told\nfrom poolcli.render import html",
            "poolcli.__main__": "from poolcli.cli.app import run",
            "poolcli.cli.words": "",
        },
        [
            "poolcli.featuremap imports poolcli.notebook",
            "poolcli.notebook imports poolcli.cli.words",
            "poolcli.window imports poolcli.cli",
            "poolcli.window imports poolcli.formats",
            "poolcli.steps.recipe imports poolcli.plugins",
        ],
    ),
    Rule(
        circles,
        {
            "poolcli.a": "import poolcli.b",
            "poolcli.b": "if TYPE_CHECKING:\n    from poolcli import c",
            "poolcli.c": "def f():\n    from poolcli.a import x",
            "poolcli.d": "import poolcli.a",
            "poolcli.e": "import poolcli.f",
            "poolcli.f": "def f():\n    return import_module('poolcli.e')",
            "poolcli.g": "NAME = 'poolcli.h'  # which nothing imports",
            "poolcli.h": "import poolcli.g",
        },
        ["poolcli.a", "poolcli.b", "poolcli.c", "poolcli.e", "poolcli.f"],
    ),
    Rule(loose_files, {"poolcli.__init__": "", "poolcli.cli.app": "", **FILES}, [*FILES]),
    Rule(
        folders_without_a_word,
        {
            "poolcli.a.__init__": "",
            "poolcli.b.__init__": '"""Two of them. Here."""',
            "poolcli.c.__init__": '"""What the machine gives.\n\nAnd more. Here."""',
        },
        ["poolcli.a", "poolcli.b"],
    ),
    Rule(
        light_imports_in_functions,
        {
            "poolcli.heavy": "import numpy",
            "poolcli.through": "import poolcli.heavy",
            "poolcli.light": "if TYPE_CHECKING:\n    import numpy",
            "poolcli.user": "def f():\n    import rich, asyncio, mmap, poolcli.through, poolcli.light",
        },
        ["poolcli.user:2 mmap", "poolcli.user:2 poolcli.light"],
        owed=4,
    ),
    Rule(
        framework_names,
        {
            "poolcli.pooling.frameworks": 'NAME = "torch"',
            "poolcli.emit.x": 'NAME = "torch"',
            "poolcli.a": '"torch"\nx = y == "torch" or f"{y}" in ("torch-lp", "torchlight", "as torch has it")',
        },
        ["poolcli.a:2 torch", "poolcli.a:2 torch-lp"],
    ),
    Rule(
        typed_options,
        {
            "poolcli.cli.a": 'x = "--size"',
            "poolcli.a": '"""--size"""\nx = f"use --size {y}"\nz = "a--b, -- c, soffice --convert-to"',
        },
        ["poolcli.a:2 use --size "],
    ),
    Rule(
        hints_without_a_keyword,
        {
            "poolcli.cli.a": 'Phrase("drop {json}")',
            "poolcli.a": 'Phrase("{size} or {emit}", size=1)\nPhrase("{way}", way=Typed(Phrase("{json}")))',
        },
        ["poolcli.a:1 emit"],
    ),
    Rule(
        names_with_two_meanings,
        {
            "poolcli.a": "class Place: ...\nArray = NDArray[Any]\nN = 1",
            "poolcli.b": "def Place(): ...\nArray = NDArray[Any]\n_own = N = 1",
            "poolcli.c.x": "def notes(data, options): ...\n_own = 2\ndef pool(x, y): ...\ndef draw(): ...",
            "poolcli.c.y": "def notes(data, options): ...\ndef pool(x): ...\ndef draw(x): ...",
        },
        ["N: poolcli.a, poolcli.b", "Place: poolcli.a, poolcli.b", "draw: poolcli.c.x, poolcli.c.y"],
    ),
    Rule(
        environment_writes,
        {
            "poolcli.__main__": 'os.environ["A"] = "1"',
            "poolcli.a": 'os.environ["A"] = os.environ["B"]\nos.environ.setdefault("C", "1")\ndel os.environ["A"]',
            "poolcli.b": 'os.putenv("A", "1")\nx = {"A": 1}\nx["A"] = os.environ.get("A")',
        },
        ["poolcli.a:1", "poolcli.a:2", "poolcli.a:3", "poolcli.b:1"],
    ),
    Rule(
        hidden_memory,
        {
            "poolcli.kernels.a": "def f():\n    return sys.getrefcount(x)\nclass A:\n    def __del__(self): ...",
            "poolcli.b": "def g():\n    return getrefcount(x)",
        },
        ["poolcli.kernels.a __del__", "poolcli.kernels.a f", "poolcli.b g"],
    ),
    Rule(
        ways_out,
        {
            "poolcli.cli.output": 'sys.stderr.write("x")',
            "poolcli.a": 'print("x")\nsys.stdout.write("x")\nos.write(2, b"x")\nrich.console.Console().print(1)',
            "poolcli.b": "f(sys.stderr)\nx = sys.stdout\nf(file=sys.stdout.buffer)\na.console.print(1)\ntyper.echo(1)",
            "poolcli.c": 'wants_color("auto", sys.stderr)\nsys.stdout.isatty()\nfile.write(b"")\npaper.print(1)',
        },
        [
            *(f"poolcli.a:{line}" for line in (1, 2, 3, 4)),
            *(f"poolcli.b:{line}" for line in (1, 2, 3, 4, 5)),
        ],
    ),
    Rule(
        errors_without_a_hint,
        {
            "poolcli.a": 'raise InputError("x")\nraise FileError("x", "")\nraise LimitError("x", None)\nOSError()',
            "poolcli.b": 'raise InputError("x", "y")\nraise FileError("x", hint=y)\nraise UnknownNameError("x", y, z)',
        },
        ["poolcli.a:1", "poolcli.a:2", "poolcli.a:3"],
    ),
]


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in RULES])
def test_the_house_keeps_its_rule(rule: Rule) -> None:
    found = rule.find(HOUSE)
    assert len(found) <= rule.owed, "\n".join(found)


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in RULES])
def test_a_house_that_breaks_the_rule_is_seen(rule: Rule) -> None:
    assert sorted(rule.find(Source(rule.broken))) == sorted(rule.seen)


def test_the_floor_plan_is_short_and_of_this_house() -> None:
    parts = {part(module) for module in HOUSE.trees if module not in FRONT_DOORS}
    assert len(ARROWS) <= MOST_ROWS
    assert {*ARROWS, *EVERYWHERE} | {name for row in ARROWS.values() for name in row} == parts


def test_arrows_run_downwards_only() -> None:
    floors = [*ARROWS, "featuremap", "colors", "system", "arrays"]
    assert all(floors.index(part) < floors.index(below) for part, row in ARROWS.items() for below in row)


def test_no_test_imports_another() -> None:
    """What tests share stands in `tests.support`."""
    assert [*between_tests(TESTS)] == []
    probe = Source({"tests.a.test_a": "def f():\n    from tests.b.test_b import x", "tests.b.test_b": ""})
    assert [*between_tests(probe)] == ["tests.a.test_a imports tests.b.test_b"]


def between_tests(tests: Source) -> Iterator[str]:
    for module, text in tests.files.items():
        for name in re.findall(r"^ *(?:from|import) (tests\b(?!\.support\b)[\w.]*)", text, re.MULTILINE):
            yield f"{module} imports {name}"


def test_tests_mirror_the_house() -> None:
    """A folder of the package has a folder of tests, where one looks for them."""
    folders = {part(folder) for folder in HOUSE.folders if folder.count(".") == 1}
    assert {name for name in folders if not (ROOT / "tests" / name).is_dir()} == set()


def test_drawing_neither_reads_nor_writes() -> None:
    drawing = [name for name in HOUSE.trees if under(name, "poolcli.render")]
    assert drawing
    for name in drawing:
        assert not any(under(used, "poolcli.system.files", "poolcli.formats") for used in HOUSE.used(name)), name


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("rich", ("cli", "render")),
        ("typer", ("cli",)),
        ("PIL", ("formats", "render")),
        ("orjson", ("formats", "cli", "batch")),
    ],
)
def test_who_knows_a_library(library: str, homes: tuple[str, ...]) -> None:
    users = {name for name in HOUSE.trees if any(under(used, library) for used in HOUSE.used(name))}
    assert users
    assert {name for name in users if not under(name, *(f"poolcli.{home}" for home in homes))} == set()


# --- names and sizes --------------------------------------------------------------------------------------------------


def test_public_names_are_sorted() -> None:
    assert poolcli.__all__ == sorted(poolcli.__all__)


def length(function: Function) -> int:
    """The lines of a function without its decorators and docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_functions_are_a_screen_long_at_most() -> None:
    sizes = {f"{name}:{f.name}": length(f) for name, f in HOUSE.functions()}
    assert len(sizes) > 200
    assert {name: lines for name, lines in sizes.items() if lines > LONGEST} == {}


def test_the_measure_of_a_function() -> None:
    text = '@decorated\ndef f(\n    x,\n):\n    """One.\n\n    Two."""\n    return x\n'
    ((_, function),) = Source({"poolcli.a": text}).functions()
    assert length(function) == 4


def test_every_module_says_in_its_head_what_it_is() -> None:
    for name, tree in HOUSE.trees.items():
        head = ast.get_docstring(tree)
        assert head, name
        assert head.splitlines()[0].endswith((".", ":", "?")), name


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_every_row_of_a_table_leads_somewhere() -> None:
    for command in COMMANDS:
        assert f"poolcli.cli.commands.{command}" in HOUSE.homes[command]


# --- start-up ---------------------------------------------------------------------------------------------------------

HEAVY = ("numpy", "rich", "PIL", "typer", "orjson", "pydantic")
PASSED = (  # modules that every command loads
    "poolcli", "poolcli.__main__", "poolcli.cli.app", "poolcli.cli.registry", "poolcli.errors", "poolcli.featuremap",
    "poolcli.pooling.filters", "poolcli.pooling.framework", "poolcli.pooling.frameworks", "poolcli.pooling.modes",
    "poolcli.window", "poolcli.wording",
)  # fmt: skip
PROBE = """
import json, sys
sys.argv = ["poolcli", *{arguments!r}]
from poolcli.__main__ import main
code = main()
print(json.dumps([code, sorted({{name.partition(".")[0] for name in sys.modules}} & set({heavy!r}))]), file=sys.stderr)
"""


def loaded(python: Run, *arguments: str) -> list[str]:
    """The heavy libraries that are loaded when a command has ended."""
    result = python("-c", PROBE.format(arguments=list(arguments), heavy=HEAVY))
    code, found = json.loads(result.err.splitlines()[-1])
    assert (code, result.code) == (0, 0)
    return [str(name) for name in found]


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_is_asked_first_loads_nothing_heavy(python: Run, option: str) -> None:
    assert loaded(python, option) == []


def test_json_of_a_csv_loads_neither_rich_nor_pillow(python: Run, tiny: Path) -> None:
    assert set(loaded(python, "pool", str(tiny), "--json")) <= {"numpy", "typer", "orjson"}


def test_a_table_loads_no_pillow(python: Run, tiny: Path) -> None:
    found = loaded(python, "pool", str(tiny))
    assert "rich" in found  # so that this probe is known to see what is loaded
    assert not {"PIL", "pydantic"} & set(found)


def test_import_time_finds_nothing_heavy_at_the_start(python: Run) -> None:
    told = python("-X", "importtime", "-c", f"import {', '.join(PASSED)}").err.splitlines()
    seen = {line.rpartition("|")[2].strip() for line in told}
    assert seen >= {*PASSED}
    assert not [name for name in seen if under(name, *HEAVY)]


# --- documents --------------------------------------------------------------------------------------------------------

README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITTEN = {"cli.md", "poolcli.1"}  # by the code itself
DOCS = README + "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md") if path.name not in WRITTEN)


def section(name: str, title: str) -> str:
    """A part of a document, from its title to the next."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.split(rf"^#+ {re.escape(title)}$", text, maxsplit=1, flags=re.MULTILINE)[1].split("\n## ")[0]


def test_readme_is_read_in_three_minutes() -> None:
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("command", COMMANDS)
def test_documents_name_every_command(command: str) -> None:
    assert re.search(rf"`{command}`|poolcli {command}\b", README)
    assert re.search(rf"poolcli {command}\b", DOCS)


@in_turn("mode", [row.label for row in MODES.values()])
def test_the_guide_names_every_mode(mode: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(mode)}(?![\w-])", section("guide.md", "A grid of numbers"))


@in_turn("name", FILTERS)
def test_the_guide_names_every_filter(name: str) -> None:
    assert f"`{name}`" in section("guide.md", "Filter first")


def test_the_promises_name_every_exit_code() -> None:
    told = section("promises.md", "Exit codes and errors").split("An error is")[0]
    assert [int(code) for code in re.findall(r"\d+", told)] == [*EXIT_CODES]


def test_readme_has_its_two_lines_for_setting_up() -> None:
    for mark in ("<!-- setup: main job -->", "<!-- setup: tests -->"):
        match = re.search(rf"{re.escape(mark)}\n+```\w*\n([^\n]+)\n```\n", README)
        assert match, mark
        assert "pip install" in match[1]


def test_files_that_a_repository_needs() -> None:
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml", ".ci/run"):
        assert (ROOT / name).is_file(), name
    assert "MIT" in (ROOT / "LICENSE").read_text(encoding="utf-8")
