"""What can be wrong with what training is given; every message says what to do."""


class DataError(ValueError):
    """The pictures cannot be used as they are."""


class WeightsError(ValueError):
    """The weights to start from cannot be had or do not fit."""


class RunError(ValueError):
    """The run folder cannot be used."""


class CalibrationError(ValueError):
    """Logits that nothing can be fitted to."""
