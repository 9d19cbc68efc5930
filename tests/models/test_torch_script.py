"""TorchScript's source: every argument of every pooling call, against PyTorch itself and in recorded source."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli.errors import InputError
from poolcli.models.files import read_model
from poolcli.models.layer import Model, ModelLayer
from tests.support.models import archive

CHOSEN: dict[str, dict[str, Any]] = {  # arguments other than the defaults, by the start of a module's name
    "AvgPool": {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    "MaxPool": {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True},
    "AdaptiveAvgPool": {"output_size": 4},
    "AdaptiveMaxPool": {"output_size": 4},
    "LPPool": {"norm_type": 2, "kernel_size": 3, "stride": 2, "ceil_mode": True},
}
MADE = [(kind, ndim, said) for kind, said in CHOSEN.items() for ndim in (1, 2, 3)]
MADE += [
    ("AvgPool", 2, {"kernel_size": 3}),
    ("MaxPool", 2, {"kernel_size": (3, 2)}),
    ("LPPool", 1, {"norm_type": 3.0, "kernel_size": 2}),
]
MADE += [("AvgPool", n, {"kernel_size": 3, "padding": 1, "divisor_override": 5}) for n in (2, 3)]
MADE += [(kind, 2, CHOSEN[kind] | {"return_indices": True}) for kind in ("MaxPool", "AdaptiveMaxPool")]


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # its successor writes .pt2
@pytest.mark.parametrize("how", ["script", "trace"])
@pytest.mark.parametrize(("kind", "ndim", "said"), MADE)
def test_a_layer_of_pytorch_is_read_with_all_its_arguments(
    tmp_path: Path, kind: str, ndim: int, said: dict[str, Any], how: str
) -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(getattr(torch.nn, f"{kind}{ndim}d")(**said)).eval()
    x = torch.rand((2, 3, *[8, 9, 10][:ndim]), generator=torch.Generator().manual_seed(0))
    made, file = torch.jit.script(module) if how == "script" else torch.jit.trace(module, x), io.BytesIO()
    torch.jit.save(made, file)
    path = tmp_path / "m.pt"
    path.write_bytes(file.getvalue())
    (layer,) = read_model(path).layers
    assert (layer.name, layer.operator, layer.step.indices) == ("0", f"{kind}{ndim}d", "return_indices" in said)
    if kind == "LPPool" and how == "trace":
        assert layer.unusual == (f"part of {kind}{ndim}d, which takes powers before it and a root after it",)
        return
    wanted = module(x)[0] if layer.step.indices else module(x)
    np.testing.assert_allclose(layer.step.layer(ndim).apply(x.numpy())[0], wanted.numpy(), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # as above
@pytest.mark.parametrize("how", ["script", "trace"])
@pytest.mark.parametrize(("pad", "told"), [
    (("ZeroPad2d", 1), ["a pad before it (pads 1,1,1,1 of 0), which the command leaves out"]),
    (("ConstantPad2d", (0, 1, 0, 2), 2.5), ["a pad before it (pads 0,1,0,2 of 2.5), which the command leaves out"]),
    (("ReflectionPad2d", 1), ["a pad before it (pads 1,1,1,1 of reflect), which the command leaves out"]),
    (("ReLU",), []),
])  # fmt: skip
def test_a_pad_before_a_layer_of_pytorch_is_told(tmp_path: Path, pad: Any, told: list[str], how: str) -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    module = nn.Sequential(nn.ZeroPad2d(2), nn.Conv2d(1, 1, 3), getattr(nn, pad[0])(*pad[1:]), nn.MaxPool2d(2))
    file, x = io.BytesIO(), torch.ones(1, 1, 8, 8)
    torch.jit.save(torch.jit.script(module) if how == "script" else torch.jit.trace(module, x), file)
    path = tmp_path / "m.pt"
    path.write_bytes(file.getvalue())
    (layer,) = read_model(path).layers
    assert (layer.name, list(layer.unusual)) == ("3", told)


SCRIPTED = """class Net(Module):
  p : __torch__.torch.nn.modules.pooling.AvgPool1d
  s : __torch__.torch.nn.modules.container.Sequential
  stride : int
  def forward(s: __torch__.Net,
    x: Tensor) -> Tensor:
    _0 = __torch__.torch.nn.functional.lp_pool2d
    _1 = __torch__.torch.nn.functional._fractional_max_pool2d
    inner = s.s
    last = getattr(inner, "0")
    p = s.p
    stride = s.stride
    _2 = (s).helper(x, )
    _3 = _0(torch.avg_pool2d(_2, [3, 3], annotate(List[int], []), [0, 0], ceil_mode=True), inf, [3, 3], None, False, )
    _4 = _1(_3, [2, 2], None, [0.5, 0.5], True, None, )
    _5, _6 = torch.adaptive_max_pool2d(_4, [3, 3])
    _7 = torch.max_pool2d(torch.add(_5, _6), [stride, stride])
    _8 = torch.max_pool2d(_7, [2, 2], [2, 2], [0, 0], [1, 1], False, 7, 8)
    _9 = torch.quantized_max_pool2d(__torch__.down(_8, ), [2, 2])
    _12 = torch.max_pool2d(torch.pad(_9, [stride, 0]), [2, 2])
    _11 = __torch__.torch.nn.functional.lp_pool1d(_9, "2", 3)
    _10 = torch.avg_pool2d(torch.pow(_9, 2.), [2, 2])
    return (last).forward((p).forward1((s).gone(_10, ), ), )
  def helper(s: __torch__.Net,
    x: Tensor) -> Tensor:
    return torch.avg_pool2d(x, [3, 3], [2, 2], [1, 1], True, False)
"""
POOLS = """class AvgPool1d(Module):
  kernel_size : Final[Tuple[int]] = (3,)
  def forward1(self: __torch__.torch.nn.modules.pooling.AvgPool1d,
    input: Tensor) -> Tensor:
    _0 = torch.avg_pool1d(input, [3], [2], [1], True, False)
    return _0
"""
NUMBERED = """class Sequential(Module):
  __annotations__["0"] = __torch__.torch.nn.modules.pooling.AvgPool1d
"""


def recorded(path: Path, source: str) -> Model:
    folder = "m/code/__torch__"
    files = {f"{folder}.py": source, f"{folder}/torch/nn/modules/pooling.py": POOLS}
    path.write_bytes(archive({**files, f"{folder}/torch/nn/modules/container.py": NUMBERED, "m/constants.pkl": b""}))
    return read_model(path)


def test_calls_in_recorded_source(tmp_path: Path) -> None:
    made = recorded(tmp_path / "m.pt", SCRIPTED)
    told = [(one.name, one.step.mode, one.step.size, one.step.indices) for one in made.layers]
    assert told == [
        *[("avg_pool2d", "avg", (3, 3), False)] * 2, ("lp_pool2d", "lp:inf", (3, 3), False),
        ("_fractional_max_pool2d", "max", (2, 2), True), ("adaptive_max_pool2d", "max", None, True),
        ("max_pool2d", "max", (2, 2), False), ("avg_pool2d", "avg", (2, 2), False), ("p", "avg", (3,), False),
    ]  # fmt: skip
    assert [one.step.options.get("count_include_pad") for one in made.layers] == [False, *[None] * 6, False]
    assert made.layers[1].step.options["ceil_mode"]
    assert made.layers[3].step.options["output_ratio"] == (0.5, 0.5)
    assert made.layers[5].unusual == ("a pad before it (computed amounts of constant), which the command leaves out",)
    assert made.layers[6].unusual == ("part of LPPool, which takes powers before it and a root after it",)
    assert made.notes[:-1] == (
        "max_pool2d: the options of max_pool2d are known only when it runs",
        "the model: what down does is not followed",
        "the model: what torch.quantized_max_pool2d does is not followed",
        "lp_pool1d: the options of lp_pool1d are known only when it runs",
        "the model: what self.gone does is not followed",
        "the model: what self.s.0 does is not followed",
    )


def test_methods_that_call_each_other_end(tmp_path: Path) -> None:
    source = "class Net(Module):\n  def forward(self: __torch__.Net) -> Tensor:\n    return (self).forward()\n"
    with pytest.raises(InputError, match="nested more than"):
        recorded(tmp_path / "m.pt", source)


def test_a_call_too_long_to_be_read_is_told(tmp_path: Path) -> None:
    source = SCRIPTED.replace("[stride, stride]", f"[{'2, ' * 999}2]")
    assert "known only when it runs" in recorded(tmp_path / "m.pt", source).notes[0]


def exported(path: Path, torch: Any, net: Any) -> ModelLayer:
    file = io.BytesIO()
    torch.export.save(torch.export.export(net, (torch.ones(1, 1, 6, 6),)), file)
    path.write_bytes(file.getvalue())
    (layer,) = read_model(path).layers
    return layer


@pytest.mark.parametrize("indices", [False, True])
def test_an_exported_program_returns_the_indices_that_it_uses(tmp_path: Path, indices: bool) -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.AdaptiveMaxPool2d(3, return_indices=indices)
    assert exported(tmp_path / "m.pt2", torch, net).step.indices == indices


def test_a_norm_as_a_function_is_told_in_exported_programs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    forward = {"forward": lambda _, x: torch.nn.functional.lp_pool2d(x, 2.0, 3)}
    layer = exported(tmp_path / "m.pt2", torch, type("Net", (torch.nn.Module,), forward)())
    assert layer.unusual == ("part of LPPool, which takes powers before it and a root after it",)
