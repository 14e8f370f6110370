"""Compares updates on the device npu with updates on the CPU; run by test_npu.py in a process of its own."""

import sys

import numpy as np
import torch
from gymnasium.spaces import Box

from assembly_rl.algorithms import ALGORITHMS
from assembly_rl.devices.planner import learner
from assembly_rl.devices.resolve import resolve

ALGO = sys.argv[1]
SPACES = Box(-1.0, 1.0, (5,), np.float32), Box(-1.0, 1.0, (3,), np.float32)

states = {}
for device in ("cpu", "npu"):
    resolve(device)
    model = learner(ALGORITHMS[ALGO](network=[16, 16], batch_size=32), *SPACES, device=device)
    held = [p for part in (model.policy.optimizer,) if part for group in part.param_groups for p in group["params"]]
    held += [
        p
        for name in ("actor", "critic")
        if hasattr(model.policy, name)
        for group in getattr(model.policy, name).optimizer.param_groups
        for p in group["params"]
    ]
    assert {id(p) for p in held} <= {id(p) for p in model.policy.parameters()}, "an optimizer lost its parameters"
    before = {name: value.cpu().clone() for name, value in model.policy.state_dict().items()}
    np.random.seed(1)
    torch.manual_seed(1)
    for _ in range(5):
        model.train(1) if ALGO != "ppo" else model.train()
    assert next(model.policy.parameters()).device.type == device
    states[device] = {name: value.cpu() for name, value in model.policy.state_dict().items()}
    moved = [name for name, value in states[device].items() if not torch.equal(value, before[name])]
    assert len(moved) >= len(before) - 1, f"only {moved} have learned"
for name, value in states["cpu"].items():
    torch.testing.assert_close(states["npu"][name], value, rtol=1e-4, atol=1e-5, msg=name)
