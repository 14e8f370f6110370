"""Methods and algorithms are found by their names; an unknown one is answered with the closest."""

from copy import deepcopy
from dataclasses import dataclass

import pytest

from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.envs.robots import ResponseConfig, RobotConfig
from assembly_rl.learners.config import ALGORITHMS, SACConfig, register_algorithm
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import METHODS, DenseConfig, MethodConfig, register_method


def test_each_is_found_by_the_name_that_it_has() -> None:
    assert ALGORITHMS.names() == ["ddpg", "td3", "sac", "ppo"]
    assert set(METHODS.names()) >= {"dense", "lcrl", "pead", "lcrl_pead", "transfer"}
    for registry in (ALGORITHMS, METHODS):
        for name in registry.names():
            assert registry.get(name)().name == name
    assert METHODS.get("dense") is DenseConfig and METHODS.get("lcrl") is LCRLConfig


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(ValueError, match="unknown algorithm 'td4'; did you mean 'td3'.* Known: ddpg, ppo"):
        ALGORITHMS.get("td4")
    with pytest.raises(ValueError, match="unknown method 'lcrll'; did you mean 'lcrl'.* Known: dense, lcrl"):
        METHODS.get("lcrll")


@pytest.mark.parametrize(
    ("key", "name", "message"),
    [
        ("algo", "saac", "unknown algorithm 'saac'; did you mean 'sac'"),
        ("method", "paed", "unknown method 'paed'; did you mean 'pead'"),
    ],
)
def test_so_is_one_in_the_configuration_of_a_run(key: str, name: str, message: str) -> None:
    values = to_mapping(TrainConfig(algo=SACConfig(), method=PEADConfig()))
    assert TrainConfig.from_mapping(values) == TrainConfig(algo=SACConfig(), method=PEADConfig())
    values[key]["name"] = name
    with pytest.raises(ValueError, match=message):
        TrainConfig.from_mapping(values)


def test_a_name_that_is_taken_is_refused() -> None:
    @dataclass
    class Other(MethodConfig):
        name: str = "pead"

    with pytest.raises(ValueError, match="the method 'pead' exists already: register yours under another"):
        register_method("pead", Other)
    with pytest.raises(ValueError, match="the algorithm 'sac' exists already"):
        register_algorithm("sac", type("MySAC", (SACConfig,), {}))
    register_method("pead", PEADConfig)  # the same again changes nothing
    assert METHODS.get("pead") is PEADConfig


def test_the_robot_of_an_older_run_follows_at_once() -> None:
    """A ``run.json`` without a response, or without a robot, is from before there were lags."""
    response = {"lag": [0.0, 0.0], "delay": [0.0, 0.0]}
    for robot in (None, {"model": "iiwa", "base_position": [-0.5, 0.0, 0.0]}):
        values = to_mapping(TrainConfig(algo=SACConfig(), method=DenseConfig()))
        del values["task"]["robot"]
        values["task"] |= {"robot": robot} if robot else {}
        before = deepcopy(values)
        read = TrainConfig.from_mapping(values).task.robot
        assert read == RobotConfig(**(robot or {}), response=ResponseConfig(**response))
        assert values == before
        values["task"]["robot"] = (robot or {}) | {"response": {"lag": [0.01, 0.02]}}
        assert TrainConfig.from_mapping(values).task.robot.response == ResponseConfig([0.01, 0.02])


@pytest.mark.parametrize("name", ["sac", "td3", "ppo"])
def test_a_run_without_a_word_on_averages_has_none(name: str) -> None:
    values = to_mapping(TrainConfig(algo=ALGORITHMS.get(name)()))
    assert TrainConfig.from_mapping(values).algo == ALGORITHMS.get(name)()
    values["algo"].pop("averaged_over", None)
    assert getattr(TrainConfig.from_mapping(values).algo, "averaged_over", 0) == 0
