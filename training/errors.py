"""Errors about the input of training. Every message says what is wrong and what to do."""


class TrainingError(ValueError):
    """Base class: training cannot use its input."""


class DataError(TrainingError):
    """The pictures cannot be used."""


class WeightsError(TrainingError):
    """The initial weights cannot be loaded, or do not fit the architecture."""


class ConfigError(TrainingError):
    """Options of the configuration contradict each other."""


class RunError(TrainingError):
    """The run folder cannot be used."""


class CalibrationError(TrainingError):
    """The logits contain NaN or infinity, so nothing can be fitted."""
