"""Run folder: its files, checkpoints, history and model."""
