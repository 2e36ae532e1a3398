"""Quantization schemes, and which of them suit which architecture."""

from typing import get_args

from lambda_api.manifest import Scheme
from training.config import Architecture

CALIBRATION_PICTURES = 500  # more pictures do not lower the error (docs/quantization.md)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
QUANTIZED_ACTIVATIONS: frozenset[Scheme] = frozenset({"int8", "int16x8"})  # need calibration

# The first scheme is the default of an architecture. `--scheme auto` tries all of them. int16x8 is
# in neither list: in LiteRT it is thirty times slower than float32 (docs/quantization.md), so it
# can never be the fastest scheme that passes.
INTEGER: tuple[Scheme, ...] = ("int8", "dynamic", "float16", "float32")
# Networks with squeeze-and-excite and swish lose accuracy in int8 but not in float16
# (EfficientNetB0: from 67 to 39 % on ImageNet).
_FLOAT: tuple[Scheme, ...] = ("float16", "int8", "dynamic", "float32")

POLICY: dict[Architecture, tuple[Scheme, ...]] = {"efficientnet_b0": _FLOAT}  # others: INTEGER
