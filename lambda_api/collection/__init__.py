"""Collection of pictures, answers and corrections for the next training."""
