"""`Framework`, the form of a row of `poolcli.pooling.frameworks.FRAMEWORKS`, and the facts that its rules look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import CompatError
from poolcli.pooling.modes import ChosenMode, Mode
from poolcli.window import Axis, Window
from poolcli.wording import Phrase

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerSpec:
    """The options of a pooling layer; `poolcli.pooling.layer.Pooling` checks them and pools."""

    ndim: int  # the number of spatial axes
    mode: ChosenMode  # how cells become a number
    window: Window  # which cells
    pad_fill: str | float = "ignore"  # a name in `poolcli.window.PAD_FILLS`, or a number
    count_include_pad: bool = False  # whether padding counts in the divisor of an average
    divisor_override: int | None = None  # what an average divides by, instead of the number of cells
    nan: str = "propagate"  # propagate, ignore or error
    compat: str | Framework | None = None  # the framework whose layer this is
    seed: int | None = None  # of fractional windows and of stochastic pooling
    storage_order: int = 0  # of ONNX indices: 1 counts down the columns
    # how many to use for large maps, see `poolcli.system.threads.threads`; the values do not depend on it
    threads: int | None = field(default=None, compare=False, repr=False)

    @property
    def framework(self) -> Framework | None:
        """The row of `compat`; `poolcli.pooling.layer.Pooling` looks it up."""
        raise NotImplementedError


class LayerFacts(NamedTuple):
    """What a rule may look at: the layer and, once there is an input, what is known about that."""

    layer: LayerSpec
    dtype: np.dtype[Any] | None = None
    indices: bool = False
    spatial: tuple[int, ...] = ()
    lead: tuple[int, ...] = ()

    @property
    def mode(self) -> str:
        """The name of the mode."""
        return self.layer.mode.mode.name

    @property
    def pads(self) -> tuple[int, ...]:
        """Every explicit pad, both sides of every axis."""
        padding = self.layer.window.padding
        return () if isinstance(padding, str) else tuple(side for pair in padding for side in pair)


DOCUMENTED = "documentation"  # `Framework.verified` of those that nobody ran
NOT_RUN = "from documentation, not run"
WITHOUT = Phrase("drop {compat} to get poolcli's own answer")


class Rule(NamedTuple):
    """A layer that a framework refuses."""

    broken: Callable[[LayerFacts], bool]  # whether the layer breaks the rule
    text: str  # the rule, in the words of the framework's documentation or source
    hint: str | Phrase | Callable[[LayerFacts], str | Phrase] = WITHOUT  # what to do about it


class Framework(NamedTuple):
    """The defaults and quirks of one framework."""

    name: str  # as a user types it
    title: str  # as texts write it
    # the modes that it has, each with a function that returns its own version of the row, or None for poolcli's
    modes: Mapping[str, Callable[[LayerFacts], Mode | None]]
    rules: tuple[Rule, ...]  # what it refuses
    stride: int | None = None  # the default stride; None means the window's size
    count_include_pad: bool = False  # whether padding counts in an average by default
    channels_last: bool = False  # whether C comes last in a layout chosen by rank
    same_ignores_dilation: bool = False  # whether SAME pads as if the dilation were 1
    # the kind of fractional windows without a size and with one, rows of `poolcli.window.KINDS`
    fractional: tuple[str, str] = ("fractional", "fractional")
    last_nan: bool = False  # whether the index of a NaN maximum is that of the last NaN
    aliases: tuple[str, ...] = ()  # its other names
    verified: str = ""  # what its answers were compared with: versions, or documentation
    ceil_mode: bool = False  # whether the number of windows is always rounded up
    # see `poolcli.window.Window`
    rounding: str = "clipped"
    too_large: str = "refused"
    # the axes whose padding counts in an average under `count_include_pad`
    counted: Callable[[LayerSpec, Sequence[Axis]], Sequence[Axis]] = lambda _, axes: axes
    counting: str = ""  # what `counted` does, as a sentence
    # whether `divisor_override` divides the mean times the window's size, not the sum
    scales_override: bool = False
    # why a window without real cells has no answer, or None if it has one; without this, poolcli refuses such windows
    holes: Callable[[LayerFacts], str | None] | None = None
    # why its answer to NaN does not hold everywhere; empty if it does
    unpromised: Callable[[LayerFacts], str] = lambda _: ""
    untrained: str = ""  # why it has no gradients, if so
    # for an Lp norm without absolute values: the factor of a window's sum
    signed_norm: Callable[[LayerSpec, Any], Any] | None = None
    # whether indices count in the smallest input that the windows cover, and a larger output is padded at its end
    unpools_implied: bool = False
    # turns indices flat in the plane into its own, and back
    own_index: Callable[[Any, Sequence[int], int, int], Any] = lambda where, *_: where
    plane_index: Callable[[Any, Sequence[int], int], Any] = lambda where, *_: where

    @property
    def documented(self) -> bool:
        """Whether its answers come from documents alone, and nobody ran it."""
        return self.verified == DOCUMENTED

    def check(self, facts: LayerFacts) -> None:
        """Raise `CompatError` if the framework refuses this layer."""
        if facts.mode not in self.modes:
            known = Phrase("use one of {0}; or drop {compat}", ", ".join(self.modes))
            raise CompatError(f"{self.title} has no {facts.mode} pooling", known)
        for rule in self.rules:
            if rule.broken(facts):
                hint = rule.hint(facts) if callable(rule.hint) else rule.hint
                raise CompatError(f"{self.title} refuses this layer: {rule.text}", hint)

    def check_nan(self, facts: LayerFacts, x: NDArray[Any]) -> None:
        """Raise `CompatError` if there is a NaN for which the framework has no answer that holds everywhere."""
        reason = self.unpromised(facts)
        if not reason or x.dtype.kind != "f":
            return
        import numpy as np

        if np.isnan(x).any():
            raise CompatError(f"{self.title} guarantees nothing for NaN: {reason}", "correct the input, or " + WITHOUT)

    def row(self, facts: LayerFacts) -> Mode:
        """Return this framework's version of the layer's mode."""
        return self.modes[facts.mode](facts) or facts.layer.mode.mode
