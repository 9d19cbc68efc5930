"""Comparisons: what is marked, and that the rule named is the rule that matters."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli import FeatureMap, pool
from poolcli.analysis.comparison import compared
from poolcli.cli.front_page import EXAMPLES
from poolcli.cli.help import help_page
from poolcli.cli.registry import build
from poolcli.errors import CompatError
from poolcli.pooling.framework import LayerFacts
from poolcli.pooling.frameworks import FRAMEWORKS
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import MODES
from poolcli.steps.steps import PoolStep
from tests.support.process import Run

GRID = FeatureMap.from_array(np.arange(1.0, 26.0).reshape(5, 5))


def steps(mode: str, size: int, names: list[str | None], **options: Any) -> dict[str, PoolStep]:
    made: dict[str, Any] = {str(name): {**options, "compat": name} for name in names}
    return {name: PoolStep(mode, size, given) for name, given in made.items()}


def test_default_stride_and_divisor_are_told() -> None:
    made = compared(GRID, steps("avg", 2, ["torch", "keras", "onnx"], padding=1, ceil_mode=True))
    torch, keras, onnx = made.variants
    assert torch.values is not None
    assert onnx.values is not None
    assert (torch.values.shape, keras.values, onnx.values.shape) == ((3, 3), None, (6, 6))
    assert made.reasons == (
        "the default stride is the window's size in PyTorch and 1 in ONNX",
        "by default padding counts in the averages of PyTorch, but not in those of ONNX",
        "Keras refuses this layer: padding is valid or same",
    )


def test_a_rule_that_changes_nothing_here_is_not_named() -> None:
    made = compared(GRID, steps("max", 2, ["torch", "onnx"], stride=2, padding=1))
    assert made.reasons == ()
    assert not any(marks.any() for variant in made.variants if (marks := made.marks(variant)) is not None)


def test_marks_are_the_cells_that_differ() -> None:
    made = compared(GRID, steps("avg", 3, ["torch", None], stride=2, padding=1))
    expected = pool(GRID.values, "avg", 3, stride=2, padding=1, count_include_pad=True) != pool(
        GRID.values, "avg", 3, stride=2, padding=1
    )
    marks = made.marks(made.variants[1])
    assert marks is not None
    assert marks.tolist() == expected.tolist()
    assert marks.sum() == 8


@pytest.mark.parametrize(
    ("mode", "x", "options", "reason"),
    [
        ("max", [[1.0, np.nan, 5.0, 6.0]], {}, "comparisons lose NaN"),
        ("lp:3", [[-1.0, -2.0, 1.0, 2.0]], {}, "without the absolute value"),
        ("avg", [[1.0, 2.0, 3.0, 4.0, 5.0]], {"padding": 1}, "padding counts in the averages"),
        ("mean", [[1.0, 2.0, 3.0, 4.0, 5.0]], {"padding": 1}, "padding counts in the averages"),
        ("l2", [[1.0, 2.0, 3.0, 4.0, 5.0]], {"ceil_mode": True}, "computes lp differently from ONNX.* clipped by"),
    ],
)
def test_why_torch_and_onnx_differ(mode: str, x: Any, options: dict[str, Any], reason: str) -> None:
    feature_map = FeatureMap.from_array(np.array(x[0]), "L")
    size = 4 if mode == "max" else 2
    made = compared(feature_map, steps(mode, size, ["torch", "onnx"], stride=2, **options))
    assert len(made.reasons) == 1
    assert re.search(reason, made.reasons[0])


def test_every_mode_that_a_framework_does_in_its_own_way_has_a_sentence() -> None:
    for framework in FRAMEWORKS.values():
        for name in framework.modes:
            layer = Pooling.of(2, "lp:3" if name == "lp" else name)
            made = [framework.row(LayerFacts(layer, np.dtype(kind))) for kind in ("int64", "float32", "float64")]
            assert all(row is MODES[name] or row.why for row in made), (framework.name, name)


def test_same_with_dilation_differs_in_onnxruntime() -> None:
    feature_map = FeatureMap.from_array(np.arange(6.0), "L")
    made = compared(feature_map, steps("max", 3, [None, "onnx"], stride=1, dilation=2, padding="same"))
    assert [len(v.values) for v in made.variants if v.values is not None] == [6, 4]
    assert made.reasons == ("ONNX (onnxruntime) pads SAME as if the dilation were 1",)


def test_all_refused_is_an_error() -> None:
    with pytest.raises(CompatError, match=r"PyTorch has no median pooling.*ONNX has no median pooling"):
        compared(GRID, steps("median", 2, ["torch", "onnx"]))


@pytest.mark.parametrize(
    ("names", "verdict", "marked"),
    [
        (["torch", "onnx"], "onnx differs from torch in 3 of 4 values that both have, and has 12 more, marked *", 15),
        (["onnx", "torch"], "torch differs from onnx in 3 of 4 values that both have, and lacks 12, marked *", 3),
        (["keras", "torch"], "torch gives the same values as keras", 0),
    ],
)
def test_cells_are_marked_where_the_shapes_differ(call: Run, names: list[str], verdict: str, marked: int) -> None:
    rows = "\n".join(",".join(map(str, row)) for row in GRID.values)
    drawn = call("compare", "--compat", ",".join(names), "--mode", "avg", "--size", "2", stdin=rows).out
    assert verdict in drawn.splitlines()
    table = drawn[: drawn.index(verdict)]
    assert table.count("*") == marked


def test_modes_side_by_side(call: Run) -> None:
    made = json.loads(call("compare", "--mode", "max,avg,min", "--json", "sample_inputs/geeks_4x4.csv").out)
    assert [row["label"] for row in made["variants"]] == ["max", "avg", "min"]
    assert [row["data"] for row in made["variants"]] == [
        [[6, 9], [5, 8]],
        [[3.75, 4.75], [3.5, 5.75]],
        [[1, 1], [2, 2]],
    ]


def test_a_filter_and_relu_come_before_every_variant(call: Run) -> None:
    words = ["sample_inputs/geeks_4x4.csv", "--filter", "sobel-x", "--filter-padding", "same", "--relu"]
    made = call("compare", *words, "--mode", "max,avg", "--json").json()
    alone = {mode: call("pool", *words, "--mode", mode, "--json").json() for mode in ("max", "avg")}
    assert {row["label"]: row["data"] for row in made["variants"]} == {m: one["data"] for m, one in alone.items()}
    assert made["steps"] == alone["max"]["steps"][:2]
    drawn = call("compare", *words, "--mode", "max,avg", "--show").out
    assert "before pooling" in drawn
    assert "conv   sobel-x 3x3, stride 1x1, padding same  -> 4x4" in drawn
    assert "relu   -> 4x4" in drawn


def test_a_kernel_of_ones_own_is_never_replaced(call: Run, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel.csv"
    kernel.write_text("1,0\n0,1\n")
    words = ("sample_inputs/geeks_4x4.csv", "--mode", "max,avg", "-f", "table", "-o", str(kernel))
    assert call("compare", "--filter", str(kernel), *words).code == 2
    assert kernel.read_text() == "1,0\n0,1\n"


def test_a_table_in_a_file_is_plain(call: Run, tmp_path: Path) -> None:
    words = ("compare", "--mode", "max,avg", "-f", "table", "sample_inputs/geeks_4x4.csv")
    odd = {"FORCE_COLOR": "1", "PYTHONIOENCODING": "latin-1"}
    assert call(*words, "-o", str(tmp_path / "table.txt"), env=odd).code == 0
    assert (tmp_path / "table.txt").read_text(encoding="utf-8").count("\x1b") == 0


def test_many_planes_are_shown_as_everywhere(call: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "planes.npy", np.arange(10 * 16).reshape(10, 4, 4))
    words = ("compare", "--mode", "max,min", str(tmp_path / "planes.npy"))
    alone = call("pool", str(tmp_path / "planes.npy")).out
    drawn = call(*words, env={"COLUMNS": "24"}).out
    assert drawn.count("c=9") == 2 * alone.count("c=9") == 2
    assert drawn.count("... 2 more planes ...") == 2 * alone.count("... 2 more planes ...") == 2
    assert call(*words, "--full").out.count("c=5") == 2


def test_infinities_are_written_as_everywhere(call: Run) -> None:
    done = call("compare", "--mode", "max,min", "--json", stdin="inf,1\n2,-inf\n")
    assert [row["data"] for row in done.json()["variants"]] == [[[np.inf]], [[-np.inf]]]


def test_a_framework_that_does_not_pad_says_by_how_much_to_pad_first(call: Run) -> None:
    layer = ("--size", "3", "--stride", "2", "--padding", "1", "--ceil-mode", "--shape", "112x112", "--json")
    found = call("compare", "--compat", "torch,keras,litert", *layer)
    for name in ("keras", "litert"):
        assert f"hint: {name}: pad the input by 1,2,1,2 with -inf first, not with zeros\n" in found.err
    assert found.err.endswith(
        "hint: for keras and litert alone, replace --compat with --side torch "
        "--side 'keras padding=same ceil_mode=false' --side 'litert padding=same ceil_mode=false'\n"
    )
    x = np.pad(np.arange(1.0, 112 * 112 + 1).reshape(112, 112), (1, 2), constant_values=-np.inf)
    wanted = found.json()["variants"][0]
    assert wanted["shape"] == [57, 57]
    np.testing.assert_array_equal(pool(x, "max", 3, stride=2, compat="keras"), wanted["data"])


@pytest.mark.parametrize(("first", "zeros"), [("torch", True), ("onnx", False)])
def test_zeros_around_the_input_are_advised_where_they_count_in_the_first_answer(
    call: Run, first: str, zeros: bool
) -> None:
    layer = ("--mode", "avg", "--size", "3", "--stride", "2", "--padding", "1", "--shape", "7x7", "--json")
    found = call("compare", "--compat", f"{first},keras", *layer)
    assert ("keras: pad the input by 1,1,1,1 with zeros first" in found.err) is zeros
    assert ("keras: zeros around the input would count in its averages" in found.err) is not zeros
    x = np.pad(np.arange(1.0, 50).reshape(7, 7), 1)
    there = pool(x, "avg", 3, stride=2, compat="keras")
    assert np.allclose(there, found.json()["variants"][0]["data"]) is zeros


LAYER = ("--compat", "keras", "--size", "2", "--stride", "3", "--padding", "1", "--ceil-mode")


@pytest.mark.parametrize(
    "words",
    [("pool", "GRID"), ("explain", "GRID"), ("explain", "--shape", "5x5"), ("grad", "GRID"), ("summary", "5x5", "pool"),
     ("run", "GRID", "pool")],
)  # fmt: skip
def test_every_command_that_knows_the_shape_says_by_how_much_to_pad_first(call: Run, words: tuple[str, ...]) -> None:
    found = call(*[word.replace("GRID", "sample_inputs/five_5x5.csv") for word in words], *LAYER)
    assert "pad the input by 1,0,1,0 with -inf first" in found.err


def test_the_advised_side_mends_every_refusal(call: Run) -> None:
    words = ("compare", "--shape", "7x7", "-k", "3", "-s", "2", "-p", "1", "--ceil-mode", "--side", "torch", "--side")
    sides = {"keras padding=same": "keras padding=same ceil_mode=false", "keras": "keras padding=same ceil_mode=false"}
    for side, mended in sides.items():
        assert call(*words, side).err.endswith(f"; for this side alone, --side '{mended}'\n")
        assert call(*words, mended).err == ""
    assert "use --no-ceil-mode; " in call(*words, "keras padding=same").err
    divided = call(*words, "tensorflow divisor_override=2 mode=avg padding=0 ceil_mode=false")
    assert "for this side alone" not in divided.err, "no option is advised that would mend it"


def test_an_unknown_option_of_a_side_suggests_the_nearest(call: Run) -> None:
    refused = call("compare", "--shape", "4x4", "--side", "onnx siz=1", "--side", "torch")
    assert refused.code == 2
    assert refused.err == "error: --side 'onnx siz=1': unknown option 'siz'\nhint: did you mean size?\n"


SHOWN = {
    line.strip() for line in (*EXAMPLES, *help_page(build("compare"), "poolcli compare").examples) if "--compat" in line
}


@pytest.mark.parametrize("words", [line.split()[1:] for line in SHOWN])
def test_the_example_is_one_that_all_sides_answer_and_some_otherwise(call: Run, words: list[str]) -> None:
    rows = call(*words[:-1], "--json", "sample_inputs/five_5x5.csv").json()["variants"]
    assert not any(row["refused"] for row in rows)
    assert len({str(row["shape"]) for row in rows}) == 1
    assert len({str(row["data"]) for row in rows}) > 1


def test_what_one_framework_refuses_is_to_be_had_apart(call: Run) -> None:
    words = ("compare", "--compat", "torch,keras", "--padding", "1", "sample_inputs/geeks_4x4.csv")
    alone = "--side torch --side 'keras padding=same'"
    assert f"; for keras alone, replace --compat with {alone}" in call(*words).err
    sides = ("--side", "torch padding=1", "--side", "keras padding=1")
    assert "--compat" not in call("compare", *sides, words[-1]).err
    assert call(*words, "--quiet").err == ""
    assert call("compare", "--mode", "max,avg", "sample_inputs/geeks_4x4.csv").err == ""


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["--mode", "max"], "nothing to compare", 2),
        (["--mode", " "], "nothing to compare", 2),
        (["--mode", "max,mx"], "unknown mode 'mx'", 2),
        (["--compat", "torch,tff"], "unknown framework 'tff'", 2),
        (["--mode", "max,avg", "-f", "csv"], "cannot be written as csv", 2),
    ],
)
def test_what_cannot_be_compared(call: Run, words: list[str], message: str, code: int) -> None:
    done = call("compare", *words, "sample_inputs/geeks_4x4.csv")
    assert (done.code, done.out) == (code, "")
    assert message in done.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--shape 6 --compat torch,openvino:ceil_torch -m avg -k 3 -s 2 -p 1 --ceil-mode --count-include-pad",
         "OpenVINO divides by the full window size, overhang included, as soon as there is any padding that counts"),
        ("--shape 6 --compat torch,paddle -m max -k 1 -s 2 --ceil-mode",
         "rounding up keeps a last window beyond the input in Paddle, but not in PyTorch"),
        ("--shape 6 --compat paddle,onnx -m avg -k 3 -s 2 -p 0,1 --count-include-pad",
         "Paddle counts as much padding after the input as before it"),
        ("--shape 3 --compat flax,litert -m max -k 5 -s 1",
         "a window larger than the input gives no value in Flax and one value in LiteRT"),
        ("--shape 6x1 --compat torch,paddle -m avg -k 3x1 -s 2x1 -p 1x0 --ceil-mode --divisor-override 1 "
         "--count-include-pad",
         "divisor_override divides the mean times the window's size in Paddle, but the sum in PyTorch"),
        ("--shape 6 --compat flax,torch -m max -k 3",
         "the default stride is 1 in Flax and the window's size in PyTorch"),
    ],
)  # fmt: skip
def test_why_runtimes_differ(call: Run, words: str, reason: str) -> None:
    assert reason in json.loads(call("compare", *words.split(), "--json").out)["why"]


def test_frameworks_that_differ_alike_share_a_sentence(call: Run) -> None:
    words = ("compare", "--shape", "5x5", "--compat", "torch,onnx,paddle,tensorflow,keras", "--json")
    assert json.loads(call(*words).out)["why"] == [
        "the default stride is the window's size in PyTorch and 1 in ONNX and TensorFlow"
    ]


def test_two_frameworks_with_ways_of_their_own_are_both_told(call: Run) -> None:
    words = "compare --shape 5 -k 2 --ceil-mode --mode lp:3 --compat torch,paddle --json"
    why = json.loads(call(*words.split()).out)["why"][-1]
    assert why.startswith("PyTorch computes lp differently from Paddle: PyTorch takes x^P")
    assert "; Paddle takes x^P, and the maximum for P = inf" in why


def test_the_advised_sides_help_all_that_can_be_helped(call: Run) -> None:
    words = ["compare", "--shape", "5x5", "-k", "3"]
    said = call(*words, "--compat", "keras,torch,litert,onnx", "--dilation", "2").err
    sides = "--side 'keras dilation=1' --side torch --side 'litert dilation=1' --side onnx"
    assert said == f"hint: for keras and litert alone, replace --compat with {sides}\n"
    assert call(*words, "--dilation", "2", *shlex.split(sides)).err == ""
    said = call(*words, "--compat", "torch,tensorrt,caffe", "--mode", "lp:2").err
    assert said == "hint: tensorrt: use one of max, avg\nhint: caffe: use one of max, avg\n"
    said = call(*words, "--compat", "onnx,keras", "--mode", "median").err
    assert said.endswith("hint: use one of max, min, avg; or add poolcli to the comparison\n")


def test_sides_have_options_of_their_own(call: Run) -> None:
    sides = ("--side", "torch padding=1 ceil-mode=true", "--side", "keras padding=same", "--side", "poolcli size=2")
    made = json.loads(call("compare", "--shape", "6", "-m", "max", "-k", "3", "-s", "2", *sides, "--json").out)
    answers = {side["label"]: side["data"] for side in made["variants"]}
    assert answers == {
        "torch padding=1 ceil-mode=true": [2, 4, 6, 6], "keras padding=same": [3, 5, 6], "poolcli size=2": [2, 4, 6],
    }  # fmt: skip
    torch, keras, own = answers
    assert made["why"] == [
        f"padding is 1 in {torch} and same in {keras}", f"ceil_mode is on in {torch} and off in {keras} and {own}",
        f"size is 3 in {torch} and 2 in {own}", f"padding is 1 in {torch} and valid in {own}",
    ]  # fmt: skip


def test_sides_with_options_of_their_own_differ_by_the_rules_of_their_frameworks_too(call: Run) -> None:
    sides = ("--side", "torch padding=1 ceil_mode", "--side", "keras padding=same")
    made = json.loads(call("compare", "--shape", "6x6", "-m", "avg", "-k", "3", "-s", "2", *sides, "--json").out)
    assert made["why"][-1] == "by default padding counts in the averages of PyTorch, but not in those of Keras"


@pytest.mark.parametrize(
    ("words", "hint", "obeyed"),
    [
        ("--compat torch,keras -m avg -k 3 -s 1 -p 1", "keras: pad the input by 1,1,1,1 with zeros first; for",
         "-m avg -k 3 -s 1 -p 1 --side torch --side 'keras padding=same'"),
        ("--compat flax,keras -m max -k 3 -s 1 -p 1", "; or --padding same, which places other windows; for keras",
         "--compat flax,keras -m max -k 3 -s 1 -p same"),
        ("--compat torch,keras --dilation 2", "keras: for keras alone, replace --compat with --side torch",
         "--dilation 2 --side torch --side 'keras dilation=1'"),
        ("--compat torch,tflite -m avg --no-count-include-pad -k 3 -s 2 -p 1 --ceil-mode",
         "for tflite alone, replace --compat with --side torch --side 'tflite padding=same ceil_mode=false'",
         "-m avg --no-count-include-pad -k 3 -s 2 --side 'torch padding=1' --side 'tflite padding=same'"),
        ("--compat torch,keras,onnx -m avg --divisor-override 4 -k 3",
         "keras: drop --divisor-override and multiply the averages by 9/4, as --emit keras does\nhint: onnx: drop --",
         "--compat torch,keras,onnx -m avg -k 3"),
        ("--compat keras,tf -m avg --divisor-override 4 -k 3", "hint: add poolcli to the comparison\n",
         "--compat keras,tf,poolcli -m avg --divisor-override 4 -k 3"),
        ("--compat keras,tf -m avg --divisor-override 4 --global", "add poolcli to the comparison",
         "--compat keras,tf,poolcli -m avg --divisor-override 4 --global"),
        ("--compat keras,tf -k 3 -p same-lower", "use --padding same, which places other windows\n",
         "--compat keras,tf -k 3 -p same"),
        ("--compat torch,keras -p same -m lp:2 -k 3", "give --padding as a number; or add poolcli to the comparison\n",
         "--compat torch,keras,poolcli -p same -m lp:2 -k 3"),
        ("--compat torch,keras -p same -k 3 -s 1", "for torch alone, replace --compat with --side 'torch padding=1' ",
         "-k 3 -s 1 --side 'torch padding=1' --side 'keras padding=same'"),
        ("--compat torch,keras -p same -k 3x1 -s 1", "replace --compat with --side 'torch padding=1x0' --side keras",
         "-p same -k 3x1 -s 1 --side 'torch padding=1x0' --side keras"),
        ("--compat torch,keras -p same -k 2 -s 1", "torch: give --padding as a number; for torch alone, replace",
         "-p same -k 2 -s 1 --side 'torch padding=valid' --side keras"),
        ("--compat torch,keras -k 2 -p 2", "use --padding valid\n", "--compat torch,keras -k 2 --padding valid"),
        ("--compat onnx,keras -m avg --count-include-pad -k 3 -p same", "keras: use --no-count-include-pad; for keras",
         "-m avg -k 3 -p same --side 'onnx count_include_pad=true' --side 'keras count_include_pad=false'"),
        ("--compat torch,openvino --ceil-mode -k 3", "openvino: use openvino:ceil, which never clips, or openvino:cei",
         "--compat torch,openvino:ceil_torch --ceil-mode -k 3"),
        ("--compat torch,keras --ceil-mode", "keras: use --no-ceil-mode; for keras alone",
         "--compat torch,keras --no-ceil-mode"),
        ("--side torch --side 'keras dilation=2'", "keras dilation=2: for this side alone, --side 'keras dilation=1'",
         "--side torch --side 'keras dilation=1'"),
        ("--side poolcli --side 'keras padding=1'", "not with zeros; for this side alone, --side 'keras",
         "--side poolcli --side 'keras padding=same'"),
        ("--compat keras,flax --dilation 2", "add poolcli to the comparison", "--compat keras,poolcli --dilation 2"),
        ("--compat torch,keras --nan ignore", "use --nan propagate\n", "--compat torch,keras --nan propagate"),
        ("--compat keras,litert -p 1", "1,1,1,1 with -inf first, not with zeros; or --padding same",
         "--compat keras,litert -p same"),
    ],
)  # fmt: skip
def test_a_comparison_advises_only_what_helps_it(call: Run, words: str, hint: str, obeyed: str) -> None:
    said = call("compare", "--shape", "5x5", *shlex.split(words)).err
    assert hint in said
    assert "drop --compat" not in said
    assert call("compare", "--shape", "5x5", *shlex.split(obeyed)).code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--side", "torch padding", "--side", "keras"], "'padding' is not OPTION=VALUE"),
        (["--side", "torch seed=x", "--side", "keras"], "seed is a whole number, not 'x'"),
        (["--side", "torch ceil_mode=2", "--side", "keras"], "ceil_mode is true or false, not '2'"),
        (["--side", "torch", "--side", "nosuch"], "unknown framework 'nosuch'"),
        (["--side", "torch", "--compat", "keras"], "--side and --compat cannot be combined"),
        (["--compat", "torch,keras", "x.csv"], "--shape and an INPUT cannot be combined"),
    ],
)
def test_what_is_wrong_with_sides(call: Run, words: list[str], message: str) -> None:
    done = call("compare", "--shape", "6x6", *words)
    assert (done.code, message in done.err, "hint: " in done.err) == (2, True, True), done.err


def test_a_shape_has_channels_as_an_array_has(call: Run) -> None:
    done = call("compare", "--shape", "2x2x2", "--mode", "max,avg", "--json")
    assert done.err.startswith("note: 2x2x2 is read as CHW; --layout DHW if")
    assert json.loads(done.out)["variants"][0]["data"] == [[[4]], [[8]]]
    last = call("compare", "--shape", "2x2x2", "--mode", "max,avg", "--json", "--layout", "HWC")
    assert (last.err, json.loads(last.out)["variants"][0]["data"]) == ("", [[[7, 8]]])


def test_a_shape_has_cells(call: Run) -> None:
    assert call("compare", "--shape", "0x2", "--mode", "max,avg").err.startswith("error: --shape 0x2 has no cells\n")
    assert call("compare", "--shape", "9999999999x9999999999", "--mode", "max,avg").code == 1
