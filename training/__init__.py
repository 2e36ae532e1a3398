"""Training: a folder of labelled pictures in, a run folder with a Keras model out."""
