"""The ways to convert, and which of them suit which architecture."""

from typing import get_args

from lambda_api.manifest import Scheme
from training.config import Architecture

CALIBRATION_PICTURES = 500  # with more the error falls no further (docs/quantization.md)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
QUANTISED_ACTIVATIONS: frozenset[Scheme] = frozenset({"int8", "int16x8"})  # need calibration

# The first is what an architecture is converted to unless another is asked for; all are what
# `--scheme auto` tries. int16x8 is nowhere among them: LiteRT runs it thirty times slower than
# float32 (docs/quantization.md), so that it never is the fastest that passes.
INTEGER: tuple[Scheme, ...] = ("int8", "dynamic", "float16", "float32")
# Squeeze-and-excite and swish lose under int8 what float16 keeps (EfficientNetB0: 67 -> 39 %).
_FLOAT: tuple[Scheme, ...] = ("float16", "int8", "dynamic", "float32")

POLICY: dict[Architecture, tuple[Scheme, ...]] = {"efficientnet_b0": _FLOAT}  # all else: INTEGER
