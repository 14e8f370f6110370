"""Policy as an ONNX file: inputs are physical quantities, the output is the action, the batch size is one.

The file includes the normalisation of the observation, so that its inputs need no scaling.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.observation import ObservationConfig, Observer
from assembly_rl.controllers.insertion.observation_terms import OBSERVATION_TERMS
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.validation import InputError

OPSET = 13
"""Operator set of the file: old enough for the converters of embedded runtimes."""
IR_VERSION = 8
TOLERANCE = 1e-4
"""Largest accepted difference between an action and that of onnxruntime.

Sums of float32 in another order differ by 1e-6 with layers 64 wide and 1e-5 with 256, at inputs of four times
their scale.
"""
SAMPLES = 1000
"""Number of observations in that comparison."""
OPERATORS = {"relu": "Relu", "tanh": "Tanh"}

Inputs = dict[str, NDArray[np.float32]]


def widths(config: ObservationConfig) -> dict[str, int]:
    """Return the width of each input of the file; an input is an observation group in physical units."""
    return {name: len(OBSERVATION_TERMS.get(name).components(config)) for name in config.groups}


def write_onnx(path: Path, policy: MLP, config: ObservationConfig) -> None:
    """Write a policy's network with the normalisation of its observation.

    Args:
        path: New file.
        policy: Network, its actions not clipped.
        config: Observation of the policy.

    Raises:
        ImportError: The package onnx is missing.
        FileExistsError: The file exists.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, constants = [], []

    def constant(name: str, values: Any) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, dtype=np.float32), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    observed = []
    for group in config.groups:
        term = OBSERVATION_TERMS.get(group)
        bounds = np.array([bound for _, bound in term.components(config)])[None]
        scale = term.scale(config)[None] * (bounds if term.compressed else 1.0)
        value = node("Div", [group, constant(f"{group}_scale", scale)], f"{group}_scaled")
        if term.compressed:
            value = node("Tanh", [value], f"{group}_compressed")
            value = node("Mul", [value, constant(f"{group}_bound", bounds)], f"{group}_observed")
        else:
            value = node("Min", [value, constant(f"{group}_high", bounds)], f"{group}_below")
            value = node("Max", [value, constant(f"{group}_low", -bounds)], f"{group}_observed")
        observed.append(value)
    value = node("Concat", observed, "observation", axis=1) if len(observed) > 1 else observed[0]
    for number, (weight, bias, activation) in enumerate(policy.layers):
        names = [constant(f"weight_{number}", weight), constant(f"bias_{number}", bias)]
        value = node("Gemm", [value, *names], f"layer_{number}", transB=1)
        if activation in OPERATORS:
            value = node(OPERATORS[activation], [value], f"layer_{number}_{activation}")
    node("Clip", [value, constant("lowest", -1.0), constant("highest", 1.0)], "action")
    number = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "policy",
        [helper.make_tensor_value_info(name, number, [1, width]) for name, width in widths(config).items()],
        [helper.make_tensor_value_info("action", number, [1, len(policy.layers[-1][1])])],
        constants,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="assembly_rl",
    )
    checker.check_model(model, full_check=True)
    with path.open("xb") as file:
        file.write(model.SerializeToString())


def parity(path: Path, policy: MLP, config: ObservationConfig, seed: int = 0) -> float:
    """Return the largest difference of an action between onnxruntime and controller for ``SAMPLES`` inputs.

    Inputs are drawn up to four times the scale of each component.

    Args:
        path: ONNX file of the policy.
        policy: Network in the file.
        config: Observation of the policy.
        seed: Seed of the inputs.

    Raises:
        ImportError: The package onnxruntime is missing.
        ValueError: The difference is larger than ``TOLERANCE``.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(seed)
    scale = {"wrench": config.wrench_scale, "pose": config.pose_scale, "last_action": [0.25] * 6}
    worst = 0.0
    for _ in range(SAMPLES):
        observer = Observer(config)
        observer.reset()
        drawn = {name: rng.uniform(-4.0, 4.0, 6) * values for name, values in scale.items()}
        past = [rng.uniform(-4.0, 4.0, 6) * config.wrench_scale for _ in range(config.history)]
        for wrench in past:
            observer.observe(wrench, np.zeros(6), np.zeros(6), np.zeros(6), rng)
        seen = observer.observe(drawn["wrench"], drawn["pose"], np.zeros(6), drawn["last_action"], rng)
        drawn["wrench_history"] = np.concatenate(past[::-1])
        start = 0
        for name, width in widths(config).items():
            if name not in drawn:  # a term of another package: the quantities that it stands for
                drawn[name] = _physical(name, config, seen[start : start + width].astype(np.float64))
            start += width
        feed: Inputs = {name: drawn[name].astype(np.float32)[None] for name in config.groups}
        (action,) = session.run(None, feed)
        worst = max(worst, float(np.abs(action[0] - np.clip(policy(seen), -1.0, 1.0)).max()))
    if not worst <= TOLERANCE:
        raise InputError(f"{path}: onnxruntime gives actions that are off by {worst:.2g}; they must agree")
    return worst


def _physical(name: str, config: ObservationConfig, observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the physical quantities that an observation group was normalised from."""
    term = OBSERVATION_TERMS.get(name)
    bounds = np.array([bound for _, bound in term.components(config)])
    if term.compressed:
        observed = bounds * np.arctanh(np.clip(observed / bounds, -0.999999, 0.999999))
    return observed * term.scale(config)


def atc_command(config: ObservationConfig, soc: str) -> str:
    """Return the command line that converts the file for an Ascend chip (CANN's ``atc``).

    Args:
        config: Observation of the policy.
        soc: Name of the chip, such as Ascend310P3.
    """
    shapes = ";".join(f"{name}:1,{width}" for name, width in widths(config).items())
    return (
        f'atc --framework=5 --model=policy.onnx --output=policy --soc_version={soc} --input_shape="{shapes}" '
        "--input_format=ND --precision_mode=must_keep_origin_dtype"
    )
