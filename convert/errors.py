"""Errors that keep a bundle from being made. Every message says what to do."""


class ConvertError(ValueError):
    """The input cannot be made into a bundle. Nothing was written."""


class GateError(ValueError):
    """The converted model lost more than the gate allows. Nothing was written."""


class ConversionFailed(RuntimeError):
    """TensorFlow cannot convert the model with this scheme."""
