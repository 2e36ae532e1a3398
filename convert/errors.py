"""What keeps a bundle from being made; every message says what to do."""


class ConvertError(ValueError):
    """The bundle cannot be made of this input. Nothing was written."""


class GateError(ValueError):
    """The bundle would not answer as its Keras model does. Nothing was written."""


class ConversionError(RuntimeError):
    """TensorFlow cannot convert a model by a scheme."""
