"""Capture of updates as one device graph: a replay costs one launch instead of a hundred."""

import os
from collections.abc import Callable
from typing import Any

import torch

WARM_UP = 3
"""Calls before the capture, without a graph, in which libraries allocate their workspaces."""


def can_capture(device: torch.device) -> bool:
    """Return True if the device supports graphs."""
    if device.type == "cuda":
        return True
    if device.type != "npu" or os.environ.get("TASK_QUEUE_ENABLE") == "2":  # torch_npu refuses both at once
        return False
    return hasattr(torch.get_device_module(device), "NPUGraph")


class Captured:
    """Function on fixed memory that is captured after a few calls, as one graph for each set of arguments.

    Args:
        function: Function on tensors at fixed addresses; its arguments are hashable numbers.
        device: Device that supports graphs.
    """

    def __init__(self, function: Callable[..., None], device: torch.device) -> None:
        self._function, self._device = function, device
        self._module = torch.get_device_module(device)
        self._graphs: dict[tuple[Any, ...], Any] = {}
        self._calls: dict[tuple[Any, ...], int] = {}
        self._stream = self._module.Stream()

    def __call__(self, *arguments: Any) -> None:
        """Run the function: the first calls without a graph, later ones as a replay."""
        graph = self._graphs.get(arguments)
        if graph is None:
            calls = self._calls[arguments] = self._calls.get(arguments, 0) + 1
            if calls <= WARM_UP:
                self._alongside(arguments)
                return
            graph = self._graphs[arguments] = self._capture(arguments)
        graph.replay()

    def _alongside(self, arguments: tuple[Any, ...]) -> None:
        """Run on the stream of the capture, because libraries keep workspaces for each stream."""
        self._stream.wait_stream(self._module.current_stream())
        with self._module.stream(self._stream):
            self._function(*arguments)
        self._module.current_stream().wait_stream(self._stream)

    def _capture(self, arguments: tuple[Any, ...]) -> Any:
        kind = "CUDAGraph" if self._device.type == "cuda" else "NPUGraph"
        graph = getattr(self._module, kind)()
        with self._module.graph(graph, stream=self._stream):
            self._function(*arguments)
        return graph
