import json

import pytest
from omegaconf import OmegaConf

from assembly_rl.cli.command import _register_commands
from assembly_rl.configuration.composition import composed, names, train_config
from assembly_rl.configuration.library import load_controller
from assembly_rl.controllers.guidance import GUIDANCE
from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.training.config import TrainConfig


def test_the_default_task_is_the_one_of_the_environment() -> None:
    config = train_config()
    assert config.task == TaskConfig()
    assert config.geometry.part() == PegHole()


def test_the_hard_task_is_what_the_documentation_says() -> None:
    config = train_config("geometry=L", "task=hard")
    assert config.geometry.section == "L"
    assert config.geometry.chamfer == 0.0
    assert config.geometry.clearance == 1e-4
    assert config.task.randomization.hole_estimate.lateral == 0.002
    assert config.task.randomization.friction == [0.2, 0.4]
    assert config.task.limits.time == 8.0
    assert config.task.limits.force == 30.0


@pytest.mark.parametrize("algorithm", names("algo"))
@pytest.mark.parametrize("more", [[], ["experiment=hard"], ["geometry=L", "task.action.kind=twist"]])
def test_a_configuration_survives_the_run_file(algorithm: str, more: list[str]) -> None:
    config = train_config(*more, f"algo={algorithm}")
    assert config.algo.name == algorithm
    assert TrainConfig.from_mapping(json.loads(json.dumps(to_mapping(config)))) == config


@pytest.mark.parametrize("geometry", [name for name in names("geometry") if "polygon" not in name])
def test_every_geometry_is_one(geometry: str) -> None:
    part = train_config(f"geometry={geometry}").geometry.part()
    assert part == PegHole(geometry)


def test_every_baseline_is_one() -> None:
    _register_commands()
    chosen = composed("eval", f"controller=[{','.join(names('controller'))}]").controller
    assert {entry.guidance for entry in chosen.values()} == set(GUIDANCE)
    for name in names("controller"):
        assert load_controller(name) == OmegaConf.to_object(chosen[name])
