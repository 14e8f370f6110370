"""Prediction of the time and memory of a training, and choice of device and number of environments."""
