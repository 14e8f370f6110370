"""Devices: selection, preparation, graph capture, and several processes that learn together."""
