"""Default targets of a bundle's thresholds."""

ACCEPTANCE = 0.98  # share of new pictures of the classes that are accepted as known
TARGET_ACCURACY = 0.975  # of confident predictions on new pictures
