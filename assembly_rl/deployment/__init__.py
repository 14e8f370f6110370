"""Deployment of controllers to a robot: bundle, ONNX file, page for the robot engineer, and replay."""
