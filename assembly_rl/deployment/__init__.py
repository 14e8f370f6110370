"""Controllers on their way to a robot: bundle, ONNX file, page for the robot engineer, and replay."""
