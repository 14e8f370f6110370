"""Counts and conclusions of the planner."""

import json
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from assembly_rl.configuration.composition import train_config
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.learners.config import DDPGConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.planner import calibration
from assembly_rl.planner import plan as planning
from assembly_rl.planner.kernels import Kernel, record
from assembly_rl.planner.prediction import ModelFactory, choose, count, predict
from assembly_rl.planner.profile import Profile
from assembly_rl.training.create import planned
from assembly_rl.training.method import DenseConfig, MethodConfig
from assembly_rl.training.model import make_model

OBSERVATION, ACTION = 10, 3
SPACES = Box(-1.0, 1.0, (OBSERVATION,), np.float32), Box(-1.0, 1.0, (ACTION,), np.float32)
KERNELS = {"matrix": [1e-6, 1e-11, 0.0], "vector": [1e-6, 0.0, 1e-10], "costly": [1e-6, 1e-10, 0.0]}
CPU = Profile(
    "a CPU", "cpu", True, KERNELS, context={"learner": [1.0, 0.0], "autograd": [1.0, 2e-6]}, peak=1e11
)
FAST = Profile("fast", "cuda", False, KERNELS, launch=5e-6, captures=True, copy=1e-5, peak=1e14)


def test_a_kernel_is_counted_with_its_arithmetic_and_its_traffic() -> None:
    a, b = torch.rand(5, 7), torch.rand(7, 11)
    (kernel,) = record(lambda: torch.mm(a, b))
    assert kernel == Kernel("mm", "matrix", 2.0 * 5 * 7 * 11, 4.0 * (35 + 77 + 55))
    (kernel,) = record(lambda: torch.add(a, 1.0))
    assert kernel == Kernel("add", "vector", 35.0, 4.0 * 70)
    assert record(lambda: a.view(35).t().expand(2, 35)) == []


def forward(rows: int, *widths: int) -> float:
    return sum(2.0 * rows * a * b for a, b in pairwise(widths))


def size(widths: tuple[int, ...]) -> int:
    return sum(a * b + b for a, b in pairwise(widths))


def backward(rows: int, *widths: int) -> float:
    """Gradients of all weights, and of all inputs but the first."""
    return 2.0 * forward(rows, *widths) - forward(rows, *widths[:2])


def test_the_products_of_an_update_are_those_of_its_formula() -> None:
    rows, hidden = 32, (24, 16)
    actor, critic = (OBSERVATION, *hidden, ACTION), (OBSERVATION + ACTION, *hidden, 1)
    # Through the critic to the action: its layers backwards, of the first the columns of the action.
    to_action = forward(rows, *critic) - forward(rows, *critic[:2]) + forward(rows, ACTION, hidden[0])
    critics = 2.0 * forward(rows, *critic) + backward(rows, *critic)  # target, own, back
    policy = forward(rows, *actor) + backward(rows, *actor) + forward(rows, *critic) + to_action
    sizes = {"network": list(hidden), "batch_size": rows}
    work = count(DDPGConfig(**sizes), *SPACES)
    assert work.flops == pytest.approx(critics + policy + forward(rows, *actor))
    work = count(TD3Config(**sizes), *SPACES)
    assert work.flops == pytest.approx(2.0 * critics + policy / 2.0 + forward(rows, *actor))
    gaussian = (OBSERVATION, *hidden, 2 * ACTION)
    policy = (
        forward(2 * rows, *gaussian)
        + backward(rows, *gaussian)
        + 2.0 * forward(rows, *critic)
        + 2.0 * to_action
    )
    work = count(SACConfig(**sizes), *SPACES)
    assert work.flops == pytest.approx(2.0 * critics + policy)
    assert work.parameters == size(gaussian) + 2 * size(critic)


def model_of(method: MethodConfig) -> ModelFactory:
    return partial(make_model, method=method)


def test_heads_cost_what_a_dense_actor_of_their_width_costs() -> None:
    algo = TD3Config(network=[32, 32], batch_size=64)
    heads = count(algo, *SPACES, model_of(LCRLConfig(head=[16, 16])))
    wide = 16 * ACTION
    dense = count(algo, *SPACES, model_of(DenseConfig(actor=[wide, wide])))
    assert heads.flops == dense.flops > count(algo, *SPACES).flops


def test_a_prediction_adds_up() -> None:
    algo = SACConfig(network=[64, 64], batch_size=256, buffer_size=1000)
    work = count(algo, *SPACES)
    here = predict(CPU, algo, work, 2, collecting=1e-3)
    assert here.update == pytest.approx(sum(map(CPU.seconds, work.kernels)) / work.count)
    assert here.step == pytest.approx(1e-3 + here.update)
    assert here.utilisation == pytest.approx(work.flops / here.update / 1e11)
    assert here.launching == pytest.approx(1e-6 * len(work.kernels) / work.count / here.update)
    buffer = 4.0 * 1000 * (2 * OBSERVATION + ACTION + 3)
    assert buffer < here.memory < buffer + 1e6
    launches = len(work.kernels) / work.count
    one_by_one = predict(replace(FAST, captures=False, launch=1e-4), algo, work, 1)
    assert one_by_one.update == pytest.approx(launches * 1e-4 + 2e-5)
    assert predict(replace(FAST, launch=1e-4), algo, work, 1).update < one_by_one.update / 3.0


@pytest.mark.parametrize(("gain", "chosen"), [(1.03, 1), (1.2, 4)])
def test_more_environments_have_to_be_worth_it(gain: float, chosen: int) -> None:
    algo = SACConfig(batch_size=32)
    work = count(algo, *SPACES)
    one, two = (predict(CPU, algo, work, number, collecting=1.0) for number in (1, 2))
    four = predict(CPU, algo, work, 4, collecting=1.0 / gain)
    assert choose([four, two, one]).environments == chosen


def test_gradient_steps_are_counted() -> None:
    work = count(SACConfig(batch_size=32), *SPACES)
    one, four = (predict(CPU, SACConfig(batch_size=32, gradient_steps=n), work, 1) for n in (1, 4))
    assert four.updating == pytest.approx(4.0 * one.updating)


def test_updates_of_ppo_are_spread_over_its_rollout() -> None:
    algo = PPOConfig(network=[16], batch_size=64, epochs=5)
    work = count(algo, *SPACES)
    here = predict(CPU, algo, work, 1)
    assert here.updates == pytest.approx(5 / 64)
    alone = sum(map(CPU.seconds, work.kernels)) / work.count
    assert here.update == pytest.approx(alone + 2e-6 * len(work.kernels) / work.count)
    # No graph for an update that autograd makes.
    slow = predict(replace(FAST, launch=1e-4), algo, work, 1)
    assert slow.update > 1e-4 * len(work.kernels) / work.count


@pytest.mark.parametrize(("network", "chosen"), [([16, 16], "cpu"), ([512, 512], "cuda:0")])
def test_auto_takes_the_device_whose_update_is_shorter(
    monkeypatch: pytest.MonkeyPatch, network: list[int], chosen: str
) -> None:
    fast = replace(FAST, kernels={kind: [3e-6, 1e-14, 1e-14] for kind in KERNELS})
    devices = [torch.device("cpu"), torch.device("cuda:0")]
    monkeypatch.setattr(planning, "available", lambda: devices)
    monkeypatch.setattr(planning, "profile_of", lambda kind: CPU if kind == "cpu" else fast)
    algo = SACConfig(network=network, batch_size=32)
    device, why = planning.choose_device("auto", PegHole(), TaskConfig(), algo)
    assert str(device) == chosen
    assert "cpu" in why and "cuda:0" in why and " ms" in why


def test_the_profiles_that_come_along_are_complete_and_say_that_they_are_not_calibrated() -> None:
    for device in ("cuda", "npu"):
        profile = planning.profile_of(device)
        assert profile.device == device and not profile.calibrated
        for width in (32, 256):
            algo = SACConfig(network=[width, width], batch_size=32)
            assert 0.0 < predict(profile, algo, count(algo, *SPACES), 1).update < 0.1


def test_the_calibration_is_kept_and_can_be_renewed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = iter([replace(CPU, name="first"), replace(CPU, name="second")])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibration, "calibrated_cpu", lambda: next(made))
    assert [calibration.cpu_profile().name for _ in range(2)] == ["first", "first"]
    assert calibration.cpu_profile(renew=True).name == "second"
    (file,) = (tmp_path / "assembly_rl").iterdir()
    assert Profile(**json.loads(file.read_text())) == replace(CPU, name="second")


def test_a_cache_that_cannot_be_written_does_no_harm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "assembly_rl").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibration, "calibrated_cpu", lambda: CPU)
    assert calibration.cpu_profile() == CPU


def test_a_calibration_finds_the_costs_of_this_machine() -> None:
    profile = calibration.calibrated_cpu()
    assert profile.calibrated and 1e9 < profile.peak < 1e13
    assert set(profile.context) == {"learner", "autograd"}
    small, large = (Kernel("mm", "matrix", 2.0 * n**3, 12.0 * n**2) for n in (64, 256))
    assert 5.0 < profile.seconds(large) / profile.seconds(small) < 200.0


def test_a_plan_keeps_what_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "profile_of", lambda kind: CPU)
    config = train_config("plan=auto", "algo=td3")
    chosen, why = planned(config)
    assert replace(chosen, device=config.device, environments=config.environments) == config
    assert f"a CPU x {chosen.environments}: " in why
