"""Emitted NumPy code computes what poolcli computes; the other targets give clean code or say why they do not.

The code for the frameworks is run by ``tests/golden/emitted.py`` and ``tests/golden/make_golden.py``.
"""

from __future__ import annotations

import ast
import itertools
import math
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poolcli.emit import TARGETS, emit, target_class, target_names
from poolcli.emit.program import CODE_WIDTH, as_code, wrap_line
from poolcli.errors import CompatError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import SPATIAL, FeatureMap
from poolcli.pooling.frameworks import find, framework_names
from poolcli.pooling.modes import MODES
from poolcli.steps.steps import ConvStep, NormalizeStep, PoolStep, ReluStep, Step, apply
from tests.support.process import Run
from tests.support.programs import namespace

Array = NDArray[Any]

MODE_NAMES = [f"{row.name}:{row.parameter.example:g}" if row.parameter else row.name for row in MODES.values()]
MORE_MODES = ["lp:1", "lp:2", "lp:1.5", "lp:20", "lp:inf", "percentile:0", "percentile:100", "mixed:0", "logavgexp:0.5"]
WINDOWS: list[dict[str, Any]] = [
    {},
    {"size": 3, "stride": 1},
    {"size": 2, "stride": 3, "dilation": 2},
    {"size": 3, "stride": 2, "ceil_mode": True},
    {"size": 3, "stride": 2, "padding": 1},
    {"size": 3, "stride": 2, "padding": 2, "ceil_mode": True},
    {"size": 3, "stride": 2, "padding": 2, "dilation": 2, "ceil_mode": True},
    {"size": 2, "stride": 1, "padding": "sides"},
    {"size": 3, "stride": 2, "padding": "same"},
    {"size": 2, "stride": 3, "padding": "same-lower", "dilation": 2, "ceil_mode": True},
    {"size": 1, "stride": 3, "padding": "same"},
    {"size": 3, "stride": 2, "padding": "sides", "count_include_pad": True},
    {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": True},
    {"size": 2, "stride": 2, "padding": "same", "count_include_pad": True},
    {"size": 3, "stride": 2, "padding": "sides", "pad_fill": 0},
    {"size": 3, "stride": 3, "padding": 2, "pad_fill": -7, "ceil_mode": True, "dilation": 2},
    {"size": 2, "stride": 1, "padding": 1, "pad_fill": 2.5},
    {"size": 2, "stride": 1, "padding": 1, "pad_fill": math.nan},
    {"size": 3, "stride": 2, "padding": 2, "pad_fill": "reflect"},
    {"size": 3, "stride": 2, "padding": "same", "pad_fill": "symmetric"},
    {"size": 3, "stride": 1, "padding": 1, "pad_fill": "replicate"},
    {"size": 3, "stride": 1, "padding": "sides", "pad_fill": "wrap"},
    {"global_window": True},
    {"output_size": 3},
    {"output_size": 2},
    {"size": 2, "output_size": 3, "fractional": True, "seed": 5},
    {"size": 2, "output_size": 1, "fractional": True, "offsets": (0.25, 0.5, 0.75)},
]
SHAPES = {1: [(7,), (2, 3, 8)], 2: [(5, 6), (2, 6, 7)], 3: [(4, 5, 3), (1, 2, 3, 4, 5)]}
DTYPES = ["bool", "uint8", "int8", "int64", "float16", "float32", "float64"]
TOLERANCES = {"float16": 2e-2, "float32": 2e-6}  # NumPy adds numbers of 16 bits in 16 bits


program = cache(namespace)  # the same one for every input


def run(code: str, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(program(code)["pool"](x))


def sample(shape: tuple[int, ...], dtype: str, seed: int, special: float | None = None) -> Array:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "f":
        x = np.round(rng.normal(scale=3, size=shape), 2).astype(dtype)
        if special is not None:
            x[rng.random(shape) < 0.15] = special
        return x
    low, high = {"b": (0, 2), "u": (0, 9), "i": (-4, 5)}[kind]
    return rng.integers(low, high, shape).astype(dtype)


def options_for(window: dict[str, Any], ndim: int) -> tuple[Any, Any]:
    """Return the size and the other options."""
    options = dict(window)
    if options.get("padding") == "sides":
        options["padding"] = ((1, 0), (0, 1), (1, 1))[:ndim]
    if "offsets" in options:
        options["offsets"] = options["offsets"][:ndim]
    return options.pop("size", None), options


def check_numpy(steps: list[Step], ndim: int, x: Array, *, code: str = "", any_dtype: bool = False) -> bool:
    """Compare with poolcli, and return whether poolcli had an answer at all; the `code` is emitted if not given."""
    code = code or emit(steps, ndim, "numpy")
    before = x.tobytes()
    try:
        expected = apply(FeatureMap(x, "N" * (x.ndim - ndim) + SPATIAL[ndim - 1]), steps).values
    except ShapeError:
        return False
    found = run(code, x)
    assert found.shape == expected.shape, code
    assert any_dtype or found.dtype == expected.dtype, code
    tolerance = TOLERANCES.get(str(expected.dtype), 1e-11)
    np.testing.assert_allclose(
        found.astype(np.float64), expected.astype(np.float64), rtol=tolerance, atol=tolerance, err_msg=code
    )
    assert x.tobytes() == before
    return True


def numbered(modes: list[str]) -> list[Any]:
    """The place of each mode: its shapes and types come in another order than those of the mode before."""
    return [pytest.param(place, mode, id=mode) for place, mode in enumerate(modes)]


@pytest.mark.slow
@pytest.mark.parametrize(("first", "mode"), numbered([*MODE_NAMES, *MORE_MODES]))
def test_numpy_code_computes_every_mode_on_every_window(first: int, mode: str) -> None:
    answered = 0
    for place, (window, ndim) in enumerate(itertools.product(WINDOWS, (1, 2, 3)), first):
        size, options = options_for(window, ndim)
        step = PoolStep(mode, size, options | ({"seed": 11} if mode == "stochastic" else {}))
        answered += check_numpy([step], ndim, sample(SHAPES[ndim][place % 2], DTYPES[place % len(DTYPES)], place))
    assert answered > 72


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["propagate", "ignore"])
@pytest.mark.parametrize(("first", "mode"), numbered([*MODE_NAMES, "lp:20", "lp:inf"]))
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:All-NaN", "ignore:Degrees of freedom")
def test_numpy_code_follows_the_nan_rule(first: int, mode: str, rule: str) -> None:
    for place, window in enumerate(WINDOWS, first):
        ndim = 1 + place % 2
        size, options = options_for(window, ndim)
        step = PoolStep(mode, size, {"seed": 11} | options | {"nan": rule})
        code = emit([step], ndim, "numpy")
        shape, dtype = SHAPES[ndim][place // 2 % 2], ("float32", "float64")[place // 4 % 2]
        check_numpy([step], ndim, sample(shape, dtype, place, np.nan), code=code)
        if place % 3 == 0:
            check_numpy([step], ndim, sample(shape, "int64", place), code=code, any_dtype=rule == "ignore")


@pytest.mark.parametrize("mode", ["max", "min", "avg", "median", "percentile:30", "soft", "stochastic", "majority"])
def test_numpy_code_keeps_infinities_where_poolcli_does(mode: str) -> None:
    x = sample((6, 8), "float64", 3)
    x[1, 1] = x[4, 5] = np.inf
    x[2, 6] = -np.inf
    for size in (1, 2, 3):
        check_numpy([PoolStep(mode, size, {"seed": 2})], 2, x)
    check_numpy([PoolStep(mode, 2, {"seed": 2})], 2, np.full((4, 4), -np.inf))


@pytest.mark.parametrize(
    ("mode", "options", "dtype"),
    [
        ("lp:3", {"compat": "torch", "ceil_mode": True}, "float64"),
        ("avg", {"compat": "torch", "padding": 1}, "int64"),
        ("avg", {"compat": "torch", "padding": 1, "ceil_mode": True}, "float32"),
        ("max", {"compat": "onnx", "padding": ((1, 0), (0, 1))}, "float32"),
        ("min", {"compat": "onnx", "dilation": 2, "padding": "same"}, "float64"),
        ("avg", {"compat": "onnx", "dilation": 2, "padding": "same-lower", "ceil_mode": True}, "float32"),
        ("avg", {"compat": "keras", "padding": "same"}, "float32"),
    ],
)
def test_numpy_code_has_the_quirks_of_compat(mode: str, options: Any, dtype: str) -> None:
    assert check_numpy([PoolStep(mode, 3, options | {"stride": 2})], 2, sample((7, 8), dtype, 5))


@pytest.mark.parametrize("mode", ["max", "min"])
def test_numpy_code_refuses_nan_under_onnx(mode: str) -> None:
    code = emit([PoolStep(mode, 2, {"compat": "onnx"})], 1, "numpy")
    with pytest.raises(ValueError, match="onnxruntime's result for NaN depends on its position"):
        run(code, np.array([1.0, np.nan]))
    assert run(code, np.array([1.0, 3.0])).tolist() == [{"max": 3.0, "min": 1.0}[mode]]


def test_numpy_code_has_fractional_windows_of_both_frameworks() -> None:
    for compat, size in ((None, 2), ("keras", None)):
        options: Any = {"output_size": (3, 4), "fractional": True, "compat": compat}
        for seed in range(20):
            assert check_numpy([PoolStep("max", size, options | {"seed": seed})], 2, sample((8, 11), "float64", seed))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize(
    "conv",
    [
        ConvStep([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "sobel-x"),
        ConvStep([[0.5, 1], [1, -1]], padding="same", bias=2),
        ConvStep([[1, 2], [3, -4]], stride=2, dilation=2, padding=((1, 0), (0, 2)), bias=0.5),
    ],
)
def test_numpy_code_filters_and_rectifies_first(conv: ConvStep, dtype: str) -> None:
    assert check_numpy([conv, ReluStep(), PoolStep("max", 2)], 2, sample((2, 7, 8), dtype, 4))


def test_numpy_code_does_several_poolings() -> None:
    steps: list[Step] = [
        PoolStep("max", 2, {"padding": "same"}),
        PoolStep("avg", 3, {"stride": 1, "padding": 1}),
        PoolStep("mixed:0.3", 2, {"padding": 1, "count_include_pad": True}),
        PoolStep("median", None, {"output_size": 2}),
    ]
    assert check_numpy(steps, 2, sample((2, 11, 13), "float64", 4))
    assert check_numpy([], 2, sample((3, 4), "int8", 4))


def test_numpy_code_makes_exact_whole_numbers() -> None:
    x = np.array([[2**62 + 1, 2**62 + 3, 1], [5, -(2**62), 7], [0, 1, 2]])
    for mode in ("max", "min", "median", "majority"):
        check_numpy([PoolStep(mode, 3)], 2, x)
    check_numpy([PoolStep("range", 2)], 1, np.array([-128, 127, 3, -100], np.int8))
    check_numpy([PoolStep("sum", 2)], 1, np.array([255, 255, 3, 200], np.uint8))


@pytest.mark.parametrize("target", TARGETS)
def test_code_refuses_nan_where_asked(target: str) -> None:
    code = emit([PoolStep("max", 2, {"nan": "error"})], 2, target)
    assert "if np.isnan(x).any():\n        raise ValueError" in code
    if target == "numpy":
        with pytest.raises(ValueError, match="NaN"):
            run(code, np.full((2, 2), np.nan))


def test_onnx_code_refuses_nan_that_its_maximum_would_lose() -> None:
    assert "MaxPool loses NaN" in emit([PoolStep("max", 2)], 2, "onnx")
    assert "MaxPool loses NaN" not in emit([PoolStep("avg", 2)], 2, "onnx")
    assert "MaxPool loses NaN" not in emit([PoolStep("max", 2, {"compat": "onnx"})], 2, "onnx")


def layer(mode: str, window: dict[str, Any], ndim: int, *, filtered: bool) -> list[Step]:
    size, options = options_for(window, ndim)
    kernel = np.ones((2,) * ndim).tolist()
    return [*([ConvStep(kernel, padding="same")] if filtered else []), PoolStep(mode, size, options)]


WRITTEN = ("max", "avg", "sum", "range", "rms", "lp:3", "mixed:0.3", "std", "percentile:30")


@cache
def codes() -> list[str]:
    """Programs for every window of every mode in every target; one, two or three axes come in turn."""
    found = set()
    for target, (row, window), (column, mode) in itertools.product(TARGETS, enumerate(WINDOWS), enumerate(WRITTEN)):
        ndim = 1 + (row + column) % 3
        try:
            found.add(emit(layer(mode, window, ndim, filtered=column % 2 == 0), ndim, target))
        except UsageError as error:
            assert error.hint  # noqa: PT017 - most have code, and those that do not say what to do instead
    return sorted(found)


@pytest.mark.slow
def test_code_is_clean_python() -> None:
    found = codes()
    assert len(found) > 500
    for code in found:
        tree = ast.parse(code)
        nodes = [*ast.walk(tree)]
        assert code.startswith("# poolcli: ")
        assert code.endswith("\n")
        assert not [line for line in code.splitlines()[1:] if len(line) > CODE_WIDTH or line.endswith(" ")], code
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        imported = {alias.asname or alias.name for node in imports for alias in node.names}
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert imported <= used, code
        assert functions - {"pool"} <= used, code


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ruff") is None, reason="needs the formatter")
def test_code_is_formatted(tmp_path: Path) -> None:
    for place, code in enumerate(codes()):
        (tmp_path / f"emitted_{place}.py").write_text(code, encoding="utf-8")
    for check in (["format", "--check"], ["check", "--select", "E,F,I,W,B,UP", "--ignore", "E501,B905"]):
        command = ["ruff", *check, "--isolated", "--no-cache", "-q", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


REFUSED = [
    ("torch", "majority", {}, "smallest of equally frequent"),
    ("torch", "stochastic", {"seed": 1}, "random numbers"),
    ("torch", "median", {"padding": 1}, "windows of one size"),
    ("torch", "sum", {"output_size": 2}, "adaptive pooling is max or average"),
    ("torch", "avg", {"output_size": 2, "fractional": True}, "fractional pooling is max only"),
    ("torch", "max", {"output_size": 2, "fractional": True, "compat": "keras"}, "TensorFlow's fractional"),
    ("torch", "max", {"nan": "ignore"}, "leave out NaN"),
    ("torch", "max", {"padding": 1, "pad_fill": "symmetric"}, "cannot pad with symmetric"),
    ("torch", "max", {"padding": 1, "pad_fill": 0, "ceil_mode": True}, "would start in the padding"),
    ("keras", "max", {"dilation": 2}, "no dilation"),
    ("keras", "max", {"output_size": 2, "fractional": True}, "its own offsets"),
    ("keras", "std", {}, "no std pooling"),
    ("keras", "max", {"padding": 1, "pad_fill": "wrap"}, "cannot pad with wrap"),
    ("keras", "lp:3", {"compat": "torch"}, "PyTorch takes x\\^P without the absolute value"),
    ("onnx", "lp:20", {}, "no lp:20"),
    ("onnx", "median", {}, "no median"),
]


@pytest.mark.parametrize(("target", "mode", "options", "why"), REFUSED)
def test_what_has_no_equivalent_says_why(target: str, mode: str, options: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        emit([PoolStep(mode, None, options)], 2, target)
    assert caught.value.hint == "target='numpy'"
    emit([PoolStep(mode, None, options)], 2, "numpy")


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(UsageError, match="indices belong to the values of the last step"):
        emit([PoolStep("max", 2, {}, indices=True), ReluStep()], 2, "torch")
    with pytest.raises(UsageError, match="avg has no indices"):
        emit([PoolStep("avg", 2, {}, indices=True)], 2, "numpy")
    with pytest.raises(UsageError, match="normalize"):
        emit([NormalizeStep()], 2, "numpy")
    with pytest.raises(UsageError, match="kernel has 2 axes, but 1 are spatial"):
        emit([ConvStep([[1, 2]], "kernel")], 1, "numpy")
    with pytest.raises(UnknownNameError, match="target 'nosuch'"):
        emit([PoolStep()], 2, "nosuch")
    with pytest.raises(CompatError, match="Keras has no std"):
        emit([PoolStep("std", 2, {"compat": "keras"})], 2, "numpy")


@pytest.mark.parametrize("compat", framework_names())
def test_a_target_goes_by_every_name_of_its_framework(compat: str) -> None:
    named = find(compat)
    if named is not None and named.name in TARGETS:
        assert target_class(compat) is target_class(named.name)
        assert compat in target_names()
    else:
        assert compat not in target_names()


INDEXED = [window for window in WINDOWS if "pad_fill" not in window]


@pytest.mark.parametrize("compat", [None, "torch", "keras", "onnx"])
@pytest.mark.parametrize("mode", ["max", "min"])
def test_numpy_code_finds_the_indices(mode: str, compat: str | None) -> None:
    answered = 0
    for place, (window, ndim, order) in enumerate(itertools.product(INDEXED, (1, 2, 3), (0, 1))):
        size, options = options_for(window, ndim)
        options |= {"compat": compat, "storage_order": order if compat == "onnx" else 0}
        x = sample(SHAPES[ndim][order], DTYPES[2 + place % 5], place, None if compat else math.nan)
        try:
            layer = PoolStep(mode, size, options, indices=True).layer(ndim)
            values, where = layer.apply(x, indices=True)
        except (ShapeError, CompatError):
            continue
        code = emit([PoolStep(mode, size, options, indices=True)], ndim, "numpy")
        found = program(code)["pool"](x)
        np.testing.assert_array_equal(found[0], values, err_msg=code)
        np.testing.assert_array_equal(found[1], where, err_msg=code)
        answered += 1
    assert answered > 12


@pytest.mark.parametrize(
    ("target", "options", "why"),
    [
        ("keras", {}, "its layers return no indices"),
        ("onnx", {"global_window": True}, "its GlobalMaxPool returns no indices"),
        ("onnx", {"output_size": 2}, "would count in windows laid side by side"),
        ("onnx", {"padding": 2}, "would shift the indices"),
        ("onnx", {"compat": "torch"}, "does not number indices as compat='torch' does"),
        ("torch", {"padding": "same"}, "would shift the indices"),
        ("torch", {"compat": "onnx"}, "does not number indices as compat='onnx' does"),
    ],
)
def test_indices_that_a_framework_has_not(target: str, options: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        emit([PoolStep("max", None, options, indices=True)], 2, target)


IDIOMS = [
    ("torch", "max", {}, "t = F.max_pool2d(t, kernel_size=(2, 2), stride=(2, 2))"),
    ("torch", "min", {}, "t = -F.max_pool2d(-t, kernel_size=(2, 2), stride=(2, 2))"),
    ("torch", "avg", {"padding": 1, "compat": "torch"}, "(t, kernel_size=(2, 2), stride=(2, 2), padding=(1, 1))"),
    ("torch", "avg", {"output_size": 3}, "t = F.adaptive_avg_pool2d(t, (3, 3))"),
    ("torch", "lp:3", {"compat": "torch"}, "t = F.lp_pool2d(t, norm_type=3, kernel_size=(2, 2), stride=(2, 2))"),
    ("torch", "sum", {}, "divisor_override=1"),
    ("torch", "avg", {"divisor_override": 4}, "stride=(2, 2), divisor_override=4) return"),
    ("torch", "avg", {"divisor_override": 4, "dilation": 2}, "dilation=(2, 2)) / 4 return"),
    ("keras", "max", {"padding": "same"}, 'MaxPooling2D(pool_size=(2, 2), strides=(2, 2), padding="same")(t)'),
    ("keras", "avg", {"global_window": True}, "t = keras.layers.GlobalAveragePooling2D(keepdims=True)(t)"),
    ("onnx", "max", {}, 'make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])'),
    ("onnx", "avg", {"padding": "same"}, 'auto_pad="SAME_UPPER"'),
    ("numpy", "avg", {"global_window": True}, "return x.mean(axis=(-2, -1), keepdims=True)"),
]


@pytest.mark.parametrize(("target", "mode", "options", "line"), IDIOMS)
def test_code_is_what_people_write(target: str, mode: str, options: Any, line: str) -> None:
    assert line in " ".join(emit([PoolStep(mode, None, options)], 2, target).split())


@pytest.mark.parametrize(
    ("target", "mode", "options", "told"),
    [("torch", "avg", {"compat": "torch"}, True), ("numpy", "avg", {"compat": "torch"}, True),
     ("torch", "lp:3", {"compat": "torch"}, True), ("torch", "lp:2.5", {"compat": "torch"}, False),
     ("torch", "max", {"compat": "torch"}, False), ("torch", "avg", {}, False), ("numpy", "avg", {}, False),
     ("numpy", "avg", {"compat": "onnx"}, False), ("keras", "avg", {"compat": "keras"}, False)],
)  # fmt: skip
def test_code_that_truncates_whole_numbers_says_so(target: str, mode: str, options: Any, told: bool) -> None:
    """Because poolcli itself takes those of a text file as floating point."""
    assert ("x.astype(float)" in "".join(emit([PoolStep(mode, 2, options)], 2, target).splitlines()[1:3])) == told


def test_what_code_says_of_whole_numbers_is_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2\n3,5\n")
    words = ("pool", "--compat", "torch", "--mode", "avg", "x.csv")
    code = run(*words, "--emit", "numpy", cwd=tmp_path).out
    pool, x = namespace(code)["pool"], np.array([[1, 2], [3, 5]])
    assert pool(x).tolist() == [[2]]
    assert pool(x.astype(float)).tolist() == run(*words, "--json", cwd=tmp_path).data() == [[2.75]]


def test_fold_breaks_at_the_last_bracket_that_fits() -> None:
    assert wrap_line("x = f(a)") == ["    x = f(a)"]
    long = "x = function(" + ", ".join(f"argument_{i}" for i in range(6)) + ", 7)"
    assert wrap_line(long) == ["    x = function(", f"        {long[13:-1]}", "    )"]
    longer = "x = [" + ", ".join(f"argument_{i}" for i in range(7)) + "]"
    assert wrap_line(longer) == ["    x = [", *(f"        argument_{i}," for i in range(7)), "    ]"]


def test_numbers_are_written_as_the_module_has_them() -> None:
    assert as_code([1, 2.5, math.inf, -math.inf], "np") == "[1, 2.5, np.inf, -np.inf]"
    assert as_code((1,)) == "(1,)"
    assert as_code(-math.inf) == 'float("-inf")'
    assert as_code(math.nan, "torch") == "torch.nan"
