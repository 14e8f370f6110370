"""A device is there, or one error says what to do."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

from assembly_rl.accelerators import device as module
from assembly_rl.accelerators.device import DeviceError, available, resolve

no_cuda = pytest.mark.skipif(torch.version.cuda is not None, reason="needs a torch without CUDA")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gpu", "unknown device 'gpu'; known: auto, cpu, cuda, cuda:<i>, npu, npu:<i>"),
        ("cuda:x", "unknown device 'cuda:x'"),
        ("cuda:-1", "unknown device 'cuda:-1'"),
        ("cpu:0", "unknown device 'cpu:0'"),
        ("", "unknown device ''"),
        ("cuda,npu", "one device at a time, got 'cuda,npu'"),
    ],
)
def test_a_name_that_is_none(name: str, told: str) -> None:
    with pytest.raises(DeviceError) as error:
        resolve(name)
    assert told in str(error.value)


@no_cuda
def test_cuda_without_a_build_for_it() -> None:
    with pytest.raises(DeviceError, match=r"device=cuda:0: this torch .* has no CUDA; install a build"):
        resolve("cuda:0")


def test_the_cpu_is_always_there() -> None:
    assert resolve("cpu") == torch.device("cpu")
    assert available()[0] == torch.device("cpu")


def test_torch_npu_has_to_be_installed() -> None:
    with pytest.raises(DeviceError, match=r"pip install 'assembly_rl\[npu\]'"):
        resolve("npu")


def test_torch_npu_has_to_be_of_the_version_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    monkeypatch.setattr(module, "version", lambda name: "2.1.0.post3")
    with pytest.raises(DeviceError, match=r"torch-npu 2\.1\.0\.post3 does not fit torch 2\."):
        resolve("npu")


def test_torch_npu_without_cann(tmp_path: Path) -> None:
    """As on a machine without the driver: the package is there, importing it fails."""
    package = tmp_path / "torch_npu"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('libhccl.so: cannot open shared object file')")
    done = subprocess.run(
        [sys.executable, "-c", "from assembly_rl.accelerators.device import resolve; resolve('npu')"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    told = done.stderr.splitlines()[-1]
    assert "libhccl.so: cannot open shared object file" in told
    assert "ASCEND_HOME_PATH is not set" in told and "set_env.sh" in told


def test_the_extra_pins_the_pair_that_fits() -> None:
    wanted = {text for text in metadata.requires("assembly_rl") or [] if 'extra == "npu"' in text}
    pinned = {text.partition(";")[0].strip() for text in wanted}
    assert pinned == {"torch==2.13.0", "torch-npu==2.13.0"}
