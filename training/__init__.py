"""Training: a folder of labeled pictures in, a run folder with a Keras model out."""
