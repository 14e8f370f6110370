"""What leaves for the robot: bundle, ONNX file, a page for the robot engineer."""
