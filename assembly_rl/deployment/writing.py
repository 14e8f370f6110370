"""Files of an exported controller."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assembly_rl.controllers.bundles import Manifest, load_bundle, write_bundle
from assembly_rl.controllers.bundles.golden import Golden
from assembly_rl.controllers.insertion import ObservationConfig
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.validation import InputError
from assembly_rl.deployment.onnx import TOLERANCE, atc_command, parity, write_onnx
from assembly_rl.deployment.page import page


@dataclass(frozen=True)
class WrittenController:
    """Files of a controller.

    Attributes:
        bundle: Bundle.
        sha256: Hash of the bundle (hex).
        onnx: Result of the comparison with onnxruntime, in words.
        atc: Command line that converts the ONNX file for an Ascend chip.
    """

    bundle: Path
    sha256: str
    onnx: str
    atc: str


def write_controller(
    folder: Path,
    name: str,
    content: dict[str, Any],
    policy: MLP,
    golden: Golden,
    observation: ObservationConfig,
    soc: str,
) -> WrittenController:
    """Write bundle, ONNX file, the command for Ascend and the page for the robot engineer.

    Args:
        folder: Folder of the files, which exists.
        name: Name of the bundle's file.
        content: Manifest of the bundle.
        policy: Network.
        golden: Golden vectors of the bundle.
        observation: Observation of the policy.
        soc: Ascend chip in the command line of ``atc``.

    Raises:
        ValueError: The bundle is not readable, its actions differ from onnxruntime's, or the packages of the
            extra ``export`` are missing.
    """
    bundle = folder / f"{name}.bundle"
    digest = write_bundle(bundle, content, policy, golden)
    load_bundle(bundle)
    atc = atc_command(observation, soc)
    onnx = _write_onnx(folder / "policy.onnx", policy, observation)
    (folder / "atc.sh").write_text(f"#!/bin/sh\n# Run in this folder, on a machine with CANN.\n{atc}\n")
    (folder / "README.md").write_text(page(Manifest.read(content), digest, onnx, atc), encoding="utf-8")
    return WrittenController(bundle, digest, onnx, atc)


def _write_onnx(path: Path, policy: MLP, observation: ObservationConfig) -> str:
    """Write the network, compare it with onnxruntime, and return the result in words."""
    try:
        write_onnx(path, policy, observation)
        worst = parity(path, policy, observation)
    except ImportError as error:
        raise InputError(f"{error.name} is missing: pip install 'assembly_rl[export]'") from None
    return f"onnxruntime differs by {worst:.1g} at most (allowed {TOLERANCE:g})"
