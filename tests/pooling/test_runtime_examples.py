"""The smallest examples on which runtimes disagree, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import poolcli
from poolcli import FeatureMap
from poolcli.errors import UnverifiedWarning
from tests.support.process import ROOT, Run

SIX, THREE = "[1,2,3,4,5,6]", "[1,2,3]"
LOWEST = -3.4028234663852886e38
INF = float("inf")
NAN = float("nan")
CEIL = "-k 1 -s 2 --ceil-mode"
CASES: list[tuple[str, str, str, Any]] = [
    # names with commas, input, options, values or a part of the refusal
    ("torch,onnx", SIX, f"-m max {CEIL}", [1, 3, 5]),
    ("openvino:ceil_torch", SIX, "-m max -k 1 -s 2", [1, 3, 5]),
    ("openvino:ceil", SIX, "-m max -k 1 -s 2", [1, 3, 5, LOWEST]),
    ("paddle", SIX, f"-m max {CEIL}", [1, 3, 5, LOWEST]),
    ("torch", SIX, f"-m avg {CEIL}", [1, 3, 5]),
    ("openvino:ceil", SIX, "-m avg -k 1 -s 2", "its average of no cells depends on the shape"),
    ("paddle", SIX, f"-m avg {CEIL}", "its average of no cells depends on the shape"),
    ("torch,onnx,paddle", SIX, "-m avg -k 3 -s 2 -p 1 --ceil-mode --count-include-pad", [1, 3, 5, 3]),
    ("openvino:ceil,openvino:ceil_torch", SIX, "-m avg -k 3 -s 2 -p 1 --count-include-pad", [1, 3, 5, 2]),
    ("torch", SIX, "-m avg -k 3 -s 2 -p 1", [1, 3, 5]),
    ("paddle,onnx", SIX, "-m avg -k 3 -s 2 -p 1", [1.5, 3, 5]),
    ("tf,litert,keras,paddle", SIX, "-m avg -k 3 -s 2 -p same", [2, 4, 5.5]),
    ("flax", SIX, "-m avg -k 3 -s 2 -p same", [2, 4, 11 / 3]),
    ("openvino", SIX, "-m avg -k 3 -s 2 -p same --count-include-pad", [2, 4, 11 / 3]),
    ("onnx", SIX, "-m avg -k 3 -s 2 -p same-lower", [1.5, 3, 5]),
    ("jax,tf,onnx,coreml", SIX, "-m max -k 3", [3, 4, 5, 6]),
    ("torch,keras,paddle", SIX, "-m max -k 3", [3, 6]),
    ("flax", "[1,2]", "-m max -k 2 -s 1 -p 3", [-INF, -INF, 1, 2, 2, -INF, -INF]),
    ("openvino,paddle", "[1,2]", "-m max -k 2 -s 1 -p 3", [LOWEST, LOWEST, 1, 2, 2, LOWEST, LOWEST]),
    ("torch,tf,onnx", "[1,2]", "-m max -k 2 -s 1 -p 3", "refuses this layer"),
    ("flax", "[1,2]", "-m avg -k 2 -s 1 -p 3 --no-count-include-pad", [NAN, NAN, 1, 1.5, 2, NAN, NAN]),
    ("paddle", "[1,2]", "-m avg -k 2 -s 1 -p 3", "no answer to rely on"),
    ("openvino", "[1,2]", "-m avg -k 2 -s 1 -p 3", "every pad has to be smaller than the window"),
    ("torch,tf,paddle", THREE, "-m max -k 5 -s 1", "is larger than the input"),
    ("openvino", THREE, "-m max -k 5 -s 1", "no window may be larger"),
    ("flax,litert:builtin", THREE, "-m max -k 5 -s 1", []),
    ("litert", THREE, "-m max -k 5 -s 1", [3]),
    ("litert", THREE, "-m avg -k 5 -s 1", [1.2]),
    ("tf,keras,litert", SIX, "-m avg -k 4 -s 2 --count-include-pad", [2.5, 4.5]),
    ("tf,keras", SIX, "-m avg -k 4 -s 2 -p same --count-include-pad", "padding never counts in its averages"),
    ("litert,litert:builtin,torch,keras", SIX, "-m avg -k 4 -s 2 --no-count-include-pad", [2.5, 4.5]),
    ("litert", THREE, "-m avg -k 5 -s 1 --no-count-include-pad", "larger than the input is divided by all its cells"),
    ("litert", THREE, "-m avg -k 5 -s 1 -p same --no-count-include-pad", [2, 2, 2]),
    ("litert:builtin", THREE, "-m avg -k 5 -s 1 --no-count-include-pad", []),
    ("torch,flax,litert", "[-1e999,-1e999,-1e999,-1e999]", "-m max -k 4", [-INF]),
    ("tf,openvino,paddle,litert:builtin", "[-1e999,-1e999,-1e999,-1e999]", "-m max -k 4", [LOWEST]),
    ("torch,flax", "[1,2,3,NaN]", "-m max -k 4", [NAN]),
    ("openvino", "[1,2,3,NaN]", "-m max -k 4", [3]),
    ("openvino", "[NaN,2,NaN,1]", "-m max -k 4", [2]),
    ("tf,litert,litert:builtin,paddle", "[1,2,3,NaN]", "-m max -k 4", "guarantees nothing for NaN"),
    ("torch,tf,flax,paddle,openvino", "[1,NaN,5,6]", "-m avg -k 4", [NAN]),
    ("litert", "[1,NaN,5,6]", "-m avg -k 4", "guarantees nothing for NaN"),
    ("litert", "[3,4,-5]", "-m rms -k 2 -s 2 -p same", [12.5**0.5, 5]),
    ("paddle", "[3,4,5]", "-m lp:2 -k 2 -s 2 --ceil-mode", [5, 5]),
    ("torch", "[3,4,5]", "-m lp:2 -k 2 -s 2 --ceil-mode", [5, 50**0.5]),
    ("torch", "[-1,-2]", "-m lp:inf -k 2", [2]),
    ("paddle", "[-1,-2]", "-m lp:inf -k 2", [-1]),
    ("onnx", SIX, "-m avg -k 3 -s 2 -p 0,1 --count-include-pad", [2, 4, 11 / 3]),
    ("openvino", SIX, "-m avg -k 3 -s 2 -p 0,1 --count-include-pad", [2, 4, 11 / 3]),
    ("paddle", SIX, "-m avg -k 3 -s 2 -p 0,1 --count-include-pad", [2, 4, 5.5]),
    ("openvino", SIX, "-m max -k 3 --dilation 2 -s 1 -p same", [3, 4, 5, 6, 5, 6]),
    ("onnx", SIX, "-m max -k 3 --dilation 2 -s 1 -p same", [4, 5, 6, 5]),
    ("tf", SIX, "-m max -k 3 --dilation 2 -s 1 -p same", "dilations require padding valid and stride 1"),
    ("tf", SIX, "-m max -k 3 -s 2 -p same --indices", [3, 5, 6]),
    ("paddle", SIX, "-m max -k 3 -s 2 -p same --indices", "with return_mask its SAME leaves out the padding"),
]


@pytest.mark.parametrize(("names", "given", "options", "answer"), CASES)
def test_the_smallest_examples(call: Run, names: str, given: str, options: str, answer: Any) -> None:
    for name in names.split(","):
        done = call("pool", "--compat", name, *options.split(), "--json", "-", stdin=given)
        if isinstance(answer, str):
            assert done.code in (1, 2), name
            assert answer in done.err, (name, done.err)
            assert "hint: " in done.err
        else:
            assert done.code == 0, done.err
            made = json.loads(done.out.replace("null", "NaN"))["data"]
            assert made == pytest.approx(answer, rel=1e-6, nan_ok=True), name


def test_without_padding_caffe_takes_averages_that_do_not_count_it(call: Run) -> None:
    words = ("pool", "--compat", "caffe", "-m", "avg", "-k", "2", "-s", "2", "--no-count-include-pad", "--json", "-")
    assert call(*words, stdin="1,2\n3,4\n").json()["data"] == [[2.5]]
    assert "padding always counts in its averages" in call(*words, "-p", "1", stdin="1,2\n3,4\n").err


@pytest.mark.parametrize(
    ("names", "dtype", "answer"),
    [("torch,flax", "float32", None), ("onnx", "float64", 4), ("onnx", "float32", "on the width of vectors")],
)
def test_a_nan_in_the_maximum_of_the_whole_map(call: Run, names: str, dtype: str, answer: Any) -> None:
    """onnxruntime's MaxPool and ReduceMax lose it, and ReduceMax a maximum beside it; which, depends on the place."""
    stdin = json.dumps({"data": [1, None, 3, 4], "dtype": dtype})
    for name in names.split(","):
        done = call("pool", "--compat", name, "--global", "--json", "-", stdin=stdin)
        assert (str(answer) in done.err) if isinstance(answer, str) else done.json()["data"] == [answer], name


@pytest.mark.parametrize("name", ["torch", "flax", "tf", "litert:builtin", "litert", "paddle", "openvino", "keras"])
def test_an_empty_batch(call: Run, tmp_path: Path, name: str) -> None:
    """As JSON and as NPY, in and out; LiteRT under XNNPACK refuses it."""
    layout = "NHWC" if name in ("flax", "tf", "litert:builtin", "litert", "keras") else "NCHW"
    shape = [0, 4, 6, 3] if layout == "NHWC" else [0, 3, 4, 6]
    words: tuple[str, ...] = ("pool", "--compat", name, "-k", "2", "-s", "2", "--indices", "--json")
    words = words if name in ("torch", "paddle") else tuple(word for word in words if word != "--indices")
    stdin = json.dumps({"data": [], "dtype": "float32", "layout": layout, "shape": shape})
    done = call(*words, "-", stdin=stdin)
    if name == "litert":
        assert "its XNNPACK kernels do not take an empty batch" in done.err
        return
    made = done.json()
    assert (made["shape"], made["data"]) == ([0, 2, 3, 3] if layout == "NHWC" else [0, 3, 2, 3], [])
    np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
    assert call(*words, tmp_path / "x.npy").json() == made
    if "indices" in made:
        assert call("unpool", "--json", "-", stdin=done.out).json()["shape"] == shape


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pool", "-f", "csv", "-"), "csv holds cells, but the result is 0 and has none"),
        (("pool", "-o", "OUT.png", "-"), "png holds cells, but the result is 0 and has none"),
        (("pool", "--show", "-"), "has no cells to draw"),
        (("shift", "-"), "pooling gives no values here"),
        (("summary", "1x3", "pool"), "1x0"),
    ],
)
def test_a_result_without_cells(call: Run, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """Flax gives no value for a window that is larger than the input."""
    first, *rest = [word.replace("OUT", str(tmp_path / "out")) for word in words]
    options = ("--compat", "flax", "-k", "1x5" if first == "summary" else "5", "-s", "1")
    done = call(first, *rest, *options, stdin=None if first == "summary" else THREE)
    assert told in done.out + done.err
    assert "Traceback" not in done.err


GRID = "1,2,3\n4,5,6\n7,8,9\n"


@pytest.mark.parametrize(
    ("compat", "answer"),
    [("openvino:ceil_torch", [[0.75, 0.75], [6, 3.75]]), ("torch", [[0.75, 1.5], [6, 7.5]])],
)
def test_padding_on_one_axis_counts_overhang_on_the_other_in_openvino(call: Run, compat: str, answer: Any) -> None:
    words = ["-m", "avg", "-k", "2", "-s", "2", "-p", "1x0", "--count-include-pad", "--json"]
    ceil = ["--ceil-mode"] if compat == "torch" else []
    assert json.loads(call("pool", "--compat", compat, *words, *ceil, "-", stdin=GRID).out)["data"] == answer


@pytest.mark.parametrize(
    ("compat", "divided"),
    [("torch", [3, 9, 15, 6]), ("paddle", [4.5, 9, 15, 18])],
)
def test_a_divisor_of_ones_own_is_two_things(call: Run, compat: str, divided: list[float]) -> None:
    window = ["-m", "avg", "-k", "3x1", "-s", "2x1", "-p", "1x0", "--ceil-mode", "--layout", "HW", "--json"]
    done = call("pool", "--compat", compat, *window, "--divisor-override", "1", "-", stdin="1\n2\n3\n4\n5\n6\n")
    assert [row[0] for row in json.loads(done.out)["data"]] == divided


@pytest.mark.parametrize(
    ("compat", "size", "given", "answer"),
    [("litert", 2, [0, 1], 1), ("openvino", 2, [0, 1], 0), ("litert", 0, [0, 1], 0), ("litert:builtin", 0, [0, 1], 1),
     ("flax", 2, [0, 1], 0.5), ("litert", 2, [-1, -2], -2), ("litert:builtin", 0, [-1, -2], -1),
     ("flax", 2, [100, 100], -28)],
)  # fmt: skip
def test_bytes_are_averaged_in_five_ways(call: Run, compat: str, size: int, given: Any, answer: float) -> None:
    stdin = json.dumps({"data": given, "dtype": "int8", "layout": "L"})
    window = ["-k", str(size)] if size else ["--global"]
    assert json.loads(call("pool", "--compat", compat, "-m", "avg", *window, "--json", "-", stdin=stdin).out)[
        "data"
    ] == [answer]


def test_the_index_of_openvino_counts_over_the_whole_tensor_and_paddles_in_the_plane(call: Run) -> None:
    stdin = json.dumps([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [[[9, 10], [11, 12]], [[13, 14], [15, 16]]]])
    words = ("-m", "max", "--indices", "--json", "--layout", "NCHW")
    made = [json.loads(call("pool", "--compat", name, *words, "-", stdin=stdin).out) for name in ("openvino", "paddle")]
    assert [str(one["indices"]).replace("[", "").replace("]", "") for one in made] == ["3, 7, 11, 15", "3, 3, 3, 3"]


DOCUMENTED = ("coreml", "tensorrt", "caffe")
NOT_RUN = "(from documentation, not run)"


@pytest.mark.parametrize("compat", DOCUMENTED)
def test_what_comes_from_documents_says_so(call: Run, compat: str) -> None:
    window = ("--compat", compat, "-k", "2", "-s", "2")
    shown = call("pool", *window, "-", stdin=GRID)
    assert f"as {compat} {NOT_RUN}" in shown.out
    assert NOT_RUN in call("pool", *window, "-f", "csv", "-", stdin=GRID).err
    assert json.loads(call("pool", *window, "--json", "-", stdin=GRID).out)["steps"][0]["verified"] == "documentation"
    assert NOT_RUN in call("explain", *window, "-", stdin=GRID).out
    assert NOT_RUN in call("summary", "4x4", "pool", *window).out
    refused = call("pool", "--compat", compat, "-m", "median", "-", stdin=GRID)
    assert f"{NOT_RUN} has no median pooling" in refused.err


@pytest.mark.parametrize("compat", DOCUMENTED)
def test_what_comes_from_documents_says_so_beside_others(call: Run, compat: str) -> None:
    words = ("compare", "--compat", f"torch,{compat}", "-k", "2", "-s", "2", "-")
    assert f"as {compat} {NOT_RUN}" in call(*words, stdin=GRID).out
    said = json.loads(call(*words, "--json", stdin=GRID).out)["variants"]
    assert [one["verified"] for one in said] == ["PyTorch 2.13", "documentation"]


@pytest.mark.parametrize("compat", DOCUMENTED)
def test_what_comes_from_documents_warns_in_python(compat: str) -> None:
    grid = np.arange(9.0).reshape(3, 3)
    with pytest.warns(UnverifiedWarning, match="from documentation, not run") as caught:
        poolcli.pool(grid, size=2, stride=2, compat=compat)
    assert caught[0].filename == __file__
    made = poolcli.pool(FeatureMap.from_array(grid), size=2, stride=2, compat=compat)
    assert made.steps[-1]["verified"] == "documentation"
    assert made.warnings


def test_a_record_that_says_how_it_was_verified_is_a_recipe(call: Run, tmp_path: Path) -> None:
    made = call("pool", "--compat", "coreml", "-k", "2", "-s", "2", "--json", "-", stdin=GRID).out
    (tmp_path / "made.json").write_text(made)
    again = call("run", "--steps", str(tmp_path / "made.json"), "--json", "-", stdin=GRID)
    assert json.loads(again.out)["data"] == json.loads(made)["data"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("pool", "--emit", "torch", "--indices"), "it does not number indices as --compat openvino does"),
        (("grad",), "OpenVINO has no gradients: it only runs trained models"),
        (("pool", "--ceil-mode"), "its rounding has three names"),
    ],
)
def test_what_knows_nothing_of_a_runtime_says_so(call: Run, words: tuple[str, ...], text: str) -> None:
    done = call(*words, "--compat", "openvino", "-", stdin=GRID)
    assert (done.code, text in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("compat", "words"),
    [("litert", "-k 2"), ("openvino", "-k 2"), ("paddle", "-m avg -k 2"), ("flax", "-m avg -k 2 -p same"),
     ("tf", "-k 3 -p same"), ("coreml", "-m avg -k 2")],
)  # fmt: skip
def test_a_page_shows_a_runtime_that_does_here_as_poolcli_does(
    call: Run, tmp_path: Path, compat: str, words: str
) -> None:
    page = tmp_path / "page.html"
    assert call("explain", *words.split(), "--compat", compat, "-o", page, "-", stdin=GRID).code == 0
    assert f'"compat":"{compat}"' not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("compat", "words", "given", "why"),
    [
        ("openvino:ceil_torch", "-m avg -k 2 -s 2 -p 1x0 --count-include-pad", GRID, "divides by the full window size"),
        ("openvino", "-k 2", "-inf,-inf\n-inf,-inf\n", "its maximum starts from -3.4e38"),
        ("paddle", "-k 1 -s 2 --ceil-mode", "1,2\n3,4\n", "rounding up keeps a last window beyond the input in Paddle"),
        ("litert", "-k 4", GRID, "window 4x4 is larger than the input 3x3"),
    ],
)  # fmt: skip
def test_a_page_refuses_a_runtime_that_does_otherwise(
    call: Run, tmp_path: Path, compat: str, words: str, given: str, why: str
) -> None:
    done = call("explain", *words.split(), "--compat", compat, "-o", tmp_path / "page.html", "-", stdin=given)
    assert (done.code, why in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pool", "--compat", "mlx", "-"), "poolcli does not follow MLX: "),
        (("unpool", "--compat", "tinygrad", "-"), "poolcli does not follow tinygrad: "),
        (("summary", "4x4", "pool", "--compat", "lax"), "poolcli does not follow lax.reduce_window: "),
        (("layers", "--to", "mlx", ROOT / "tests/models/torch.pt2"), "poolcli does not follow MLX: "),
        (("pool", "--compat", "tensorflow:xla", "-"), "poolcli does not follow TensorFlow's jit_compile: "),
        (("pool", "--compat", "mxl", "-"), "unknown --compat value 'mxl'"),
    ],
)
def test_a_runtime_without_a_row_is_refused_with_the_reason(call: Run, words: tuple[Any, ...], told: str) -> None:
    done = call(*words, stdin=None if words[0] in ("summary", "layers") else GRID)
    assert (done.code, told in done.err, "hint: " in done.err) == (2, True, True), done.err


def test_three_runtimes_side_by_side_have_values_marks_and_reasons(call: Run) -> None:
    words = ("compare", "--compat", "flax,litert,openvino", "-m", "avg", "-k", "3", "-s", "2", "-p", "same")
    shown = call(*words, "-", stdin=SIX).out
    assert "5.5*" in shown
    assert "litert differs from flax in 1 of 3 values" in shown
    made = json.loads(call(*words, "--json", "-", stdin=SIX).out)
    assert [one["data"] for one in made["variants"]] == [[2, 4, pytest.approx(11 / 3)], [2, 4, 5.5], [2, 4, 5.5]]
    assert made["why"] == [
        "Flax divides by the full window size; LiteRT divides by the real cells, but by the whole window where that is "
        "larger than the input",
        "by default padding counts in the averages of Flax, but not in those of OpenVINO",
    ]


def test_a_row_without_folds_is_tried_on_windows_of_no_cells(call: Run) -> None:
    """onnxruntime's maximum of float64 looks at one cell after the other; the comparison gives it Paddle's rounding."""
    done = call(
        "compare", "--compat", "paddle,torch,onnx", "-k", "1", "-s", "2", "--ceil-mode", "--json", "-", stdin=SIX
    )
    made = json.loads(done.out)
    assert [one["data"] for one in made["variants"]] == [[1, 3, 5, LOWEST], [1, 3, 5], [1, 3, 5]]
    assert any("keeps a last window beyond the input in Paddle" in reason for reason in made["why"])
