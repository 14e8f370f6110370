"""Parts and tasks by name, from files, objects and mappings, as on the command line."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

import assembly_rl as arl
from assembly_rl.configuration.composition import train_config
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, PegInHoleEnv, SimulatedRobot, TaskConfig, make_environment
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.envs.library import make_part, make_part_and_task, make_task, names

BRACKET = "polygon: [[0, 0], [20, 0], [20, 8], [8, 8], [8, 20], [0, 20]]\nclearance: 0.3\n"


@pytest.fixture(autouse=True, scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def bracket(tmp_path: Path) -> Path:
    file = tmp_path / "bracket.yaml"
    file.write_text(BRACKET, encoding="utf-8")
    return file


@cache
def command_line(*overrides: str) -> tuple[PegHole, TaskConfig]:
    """Part and task of ``assembly-rl-train``."""
    config = train_config(*overrides)
    return config.geometry.part(), config.task


def made(part: Any = None, task: Any = None) -> tuple[PegHole, TaskConfig]:
    env = gymnasium.make("assembly_rl/PegInHole-v0", part=part, task=task).unwrapped
    assert isinstance(env, PegInHoleEnv)
    return env.part, env.task


def of(maker: Callable[..., Any]) -> Callable[..., tuple[PegHole, TaskConfig]]:
    def make(part: Any = None, task: Any = None) -> tuple[PegHole, TaskConfig]:
        thing = maker(part=part, task=task)
        thing.close()
        return thing.part, thing.task

    return make


MAKERS = {
    "environment": of(PegInHoleEnv),
    "gymnasium": made,
    "make_environment": of(make_environment),
    "robot": of(SimulatedRobot),
    "arl.make_env": of(arl.make_env),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_maker
def test_names_mean_nothing_else_than_on_the_command_line(make: Callable[..., Any]) -> None:
    assert make("square", "hard") == command_line("task=hard")
    assert make("L", "default") == command_line("geometry=L")
    assert make(task="hard") == command_line("task=hard")
    assert make() == (PegHole(), TaskConfig())


@pytest.mark.parametrize("part", [name for name in names("geometry") if "polygon" not in name])
def test_no_part_of_the_command_line_is_missing(part: str) -> None:
    assert make_part_and_task(part, "hard") == command_line(f"geometry={part}", "task=hard")


@every_maker
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"part": "sqare"}, "unknown geometry 'sqare'; did you mean 'square'?"),
        ({"part": "square.yml"}, "square.yml does not exist"),
        ({"part": ""}, "unknown geometry ''"),
        ({"part": "polygon"}, "the part 'polygon' has no dimensions of its own: give a mapping"),
        ({"part": "polygons"}, "the part 'polygons' has no dimensions of its own: give a mapping"),
        ({"task": "hrad"}, "unknown task 'hrad'; did you mean 'hard'?"),
        ({"task": "hard.yaml"}, "unknown task 'hard.yaml'; did you mean 'hard'?"),
        ({"part": {"sektion": "L"}}, "has no field 'sektion'; did you mean 'section'?"),
        ({"task": {"limits": 3}}, "TaskConfig.limits must be a mapping of its fields, got 3"),
        ({"task": {"randomization": {"friction": 3}}}, "friction must be [low, high]"),
        ({"task": {"physics": {"engine": []}}}, "TaskConfig.physics.engine must be a name, got []"),
        *(
            ({"part": bad}, "part must be the name of a part, the path of a part file")
            for bad in (3, [], True, b"L")
        ),
        *(
            ({"task": bad}, "task must be the name of a task, a TaskConfig or")
            for bad in (3, [], False, Path("a"))
        ),
    ],
)
def test_no_other_value_is_taken_for_a_part_or_a_task(
    make: Callable[..., Any], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        make(**given)
    assert message in str(caught.value)


def test_a_file_takes_what_the_task_sets_where_it_says_nothing(bracket: Path) -> None:
    upper = bracket.with_name("OTHER.YAML")
    upper.write_text(BRACKET, encoding="utf-8")
    for path in (bracket, str(bracket), str(upper)):
        part, task = make_part_and_task(path, "hard")
        assert (part.section, part.clearance, part.chamfer) == ("polygon", 3e-4, 0.0)
        assert make_part(path).chamfer == 3e-4 and task == command_line("task=hard")[1]
    bracket.write_text(BRACKET + "chamfer: 0.5\n", encoding="utf-8")
    assert make_part_and_task(bracket, "hard")[0].chamfer == 5e-4
    assert arl.make_config(geometry=str(bracket), task="hard").geometry.chamfer == 5e-4


def test_the_api_and_the_environment_do_not_differ_in_the_chamfer(bracket: Path) -> None:
    own = PegHole(chamfer=1e-4)
    default, hard = arl.make_config(), arl.make_config(task="hard")
    for part in (None, "L", bracket, {"section": "L"}, {"chamfer": 2e-4}, own, GeometryConfig()):
        expected, _ = make_part_and_task(part, "hard")
        for env in (arl.make_env(default, part=part, task="hard"), arl.make_env(hard, part=part)):
            assert env.part == expected
            env.close()
    assert arl.make_config("task=hard", geometry=str(bracket)).geometry.part().chamfer == 0.0
    assert arl.make_config(geometry=own, task="hard").geometry.part() == own


@pytest.mark.parametrize("bad", [3, [], True])
def test_the_api_refuses_other_values_by_name(bad: Any) -> None:
    with pytest.raises(InputError, match="part must be the name of a part"):
        arl.make_config(geometry=bad)
    with pytest.raises(InputError, match="task must be the name of a task"):
        arl.make_config(task=bad)
    with pytest.raises(InputError, match="config must be a TrainConfig"):
        arl.make_env(bad)


def test_what_a_name_gives_is_not_shared() -> None:
    first, second = make_task("hard")[0], make_task("hard")[0]
    first.randomization.friction[0] = 9.0
    make_task("hard")[1]["chamfer"] = 1.0
    make_part("L").parameters["width"] = 9.0  # type: ignore[index]
    assert second == make_task("hard")[0] == command_line("task=hard")[1]
    assert make_task("hard")[1] == {"chamfer": 0.0} and make_part("L") == PegHole("L")


def test_mappings_of_omegaconf_are_mappings() -> None:
    task = OmegaConf.create({"limits": {"time": 3.0}, "randomization": {"friction": [0.1, 0.3]}})
    env = PegInHoleEnv(OmegaConf.create({"section": "L"}), task)
    assert env.part == PegHole("L") and type(env.task.randomization.friction) is list


def test_names_are_found_inside_of_another_programs_hydra(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("a: 1\n", encoding="utf-8")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        make_part_and_task.__globals__["_named_part"].cache_clear()
        make_part_and_task.__globals__["_named_task"].cache_clear()
        assert make_part_and_task("L", "hard")[0].chamfer == 0.0
        assert compose("own").a == 1
    assert not GlobalHydra.instance().is_initialized()


def test_importing_the_environment_loads_neither_hydra_nor_yaml() -> None:
    code = "import sys, assembly_rl.envs as e; e.PegInHoleEnv({}); print({*sys.modules} & {'hydra', 'yaml'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_vector_of_named_environments() -> None:
    envs = gymnasium.make_vec("assembly_rl/PegInHole-v0", 2, vectorization_mode="sync", part="T", task="hard")
    assert envs.reset(seed=0)[0].shape == (2, 42)
    assert {env.unwrapped.part.chamfer for env in envs.envs} == {0.0}
    assert np.isfinite(envs.step(np.zeros((2, 6)))[0]).all()
    envs.close()
