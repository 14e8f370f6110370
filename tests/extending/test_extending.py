"""Everything that can be added from outside of the package, at work; docs/extending.md shows the code."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_plugin import algorithm, engine, observation, robot, task
from example_plugin.method import FadingNoiseConfig

import assembly_rl as arl
from assembly_rl.controllers import load_bundle
from assembly_rl.controllers.bundles import read_bundle
from assembly_rl.controllers.insertion.observation_terms import OBSERVATION_TERMS
from assembly_rl.envs import PegHole, PegInHoleEnv, SimulatedRobot, TaskConfig
from assembly_rl.envs.physics import PhysicsConfig
from assembly_rl.envs.physics.engines import ENGINES
from assembly_rl.envs.robots.robot import ROBOTS
from assembly_rl.envs.task import TASKS
from assembly_rl.learners.config import ALGORITHMS
from assembly_rl.runs import RunDirectory, read_rows
from assembly_rl.training.config import EvaluationConfig
from assembly_rl.training.method import METHODS

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
PAGE = ROOT / "docs" / "extending.md"
TASK: dict[str, Any] = {
    "physics": {"engine": "quasi_static"},
    "robot": {"model": "lagging"},
    "observation": {"groups": ["pose", "mean_force"]},
    "name": "press",
}
QUICK: dict[str, Any] = {
    "steps": 200,
    "checkpoint_every": 50,
    "evaluation": EvaluationConfig(every=100, episodes=2, held_out=4),
    "pictures": False,
}
SMALL = ("algo.learning_starts=30", "algo.batch_size=16", "algo.network=[8,8]")


AT_ONCE = {"response": {"lag": [0.0, 0.0], "delay": [0.0, 0.0]}}


# Pytest imports this file in every worker: other tests must not meet the plug-in in the registries.
ITEMS = [
    (registry, name, registry._items.pop(name))
    for registry, name in (
        (ENGINES, "quasi_static"),
        (ROBOTS, "lagging"),
        (OBSERVATION_TERMS, "mean_force"),
        (TASKS, "press"),
        (METHODS, "fading_noise"),
        (ALGORITHMS, "a2c"),
    )
]


@pytest.fixture(autouse=True, scope="module")
def plugin() -> Iterator[None]:
    for registry, name, item in ITEMS:
        registry.register(name, item)
    yield
    for registry, name, _ in ITEMS:
        registry._items.pop(name)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def configuration(**fields: Any) -> Any:
    return arl.make_config(*SMALL, task=TASK, method=FadingNoiseConfig(every=60), **(QUICK | fields))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> arl.Run:
    """A training of 200 steps with engine, robot, observation term, task and method."""
    return arl.train(configuration(), run_dir=tmp_path_factory.mktemp("runs") / "all", processes=1)


def last_policy(run: arl.Run) -> bytes:
    return (RunDirectory.open(run.path).latest_checkpoint() / "policy.safetensors").read_bytes()


def physics_hash(**changed: Any) -> str:
    simulated = SimulatedRobot(task={name: TASK[name] for name in ("physics", "robot")} | changed)
    simulated.close()
    return simulated.physics_hash


# ---------------------------------------------------------------------- page


def test_the_page_shows_the_files_as_they_are() -> None:
    files = [path.read_text(encoding="utf-8") for path in sorted((FOLDER / "example_plugin").glob("*.py"))]
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    shown = [block for block in blocks if block in files]
    assert set(shown) == {text for text in files if "register_" in text}
    rest = "\n".join([*files, Path(__file__).read_text(encoding="utf-8")])
    for block in blocks:
        assert block in rest, f"docs/extending.md shows other code than the tests run:\n{block}"


# ---------------------------------------------------------------------- each by itself


def test_the_engine_is_a_servo_in_series_with_the_plate() -> None:
    part, config = PegHole(), PhysicsConfig(rate=1000.0)
    world = engine.QuasiStaticWorld(part, config, 40.0, False)
    upright = (0.0, 0.0, 0.0, 1.0)
    for x, faces in ((0.005, True), (0.0, False)):
        world.reset((x, 0.0, part.peg_length), upright)
        for _ in range(2):  # the second time for the filter
            world.advance(100, (x, 0.0, part.peg_length - 1e-4), upright)
        expected = 1e-4 / (1.0 / config.servo_stiffness + 1.0 / engine.WALL) if faces else 0.0
        assert world.wrench[2] == pytest.approx(expected)
        assert world.measure_penetration() == pytest.approx(expected / engine.WALL)
    world.reset((0.0, 0.0, part.peg_length - 0.01), upright)
    for _ in range(2):  # against the wall
        world.advance(100, (part.clearance + 1e-4, 0.0, part.peg_length - 0.01), upright)
    assert world.wrench[0] == pytest.approx(-2.97, abs=0.01)
    assert world.wrench[4] == pytest.approx(part.peg_length * 2.97, rel=0.01)  # about the flange


def test_friction_holds_the_peg_until_the_servo_pulls_more() -> None:
    part, upright = PegHole(), (0.0, 0.0, 0.0, 1.0)
    world = engine.QuasiStaticWorld(part, PhysicsConfig(rate=1000.0), 40.0, False)
    world.set_friction(0.2)
    above = part.peg_length
    world.reset((0.005, 0.0, above), upright)
    world.advance(10, (0.005, 0.0, above - 1e-4), upright)
    pressed = world.pose()[0][0]
    world.advance(10, (0.005 + 1e-5, 0.0, above - 1e-4), upright)
    assert world.pose()[0][0] == pytest.approx(pressed, abs=1e-9)
    world.advance(300, (0.006, 0.0, above - 1e-4), upright)
    assert world.wrench[0] == pytest.approx(-0.2 * world.wrench[2], rel=0.01)


def test_the_engine_inserts_a_peg_whose_hole_is_known() -> None:
    known = {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}}
    steady = {"dither": [0.0] * 6}
    env = PegInHoleEnv(task={"physics": TASK["physics"], "randomization": known, "action": steady})
    env.reset(seed=0)
    ended = False
    while not ended:
        *_, terminated, truncated, info = env.step(np.zeros(6))
        ended = terminated or truncated
    assert info["result"] == "success" and info["depth"] > 0.023


def test_the_robot_lags() -> None:
    simulated = SimulatedRobot(task={"robot": {"model": "lagging", **AT_ONCE}})  # no lag but its own
    simulated.draw(np.random.default_rng(0))
    upright = (0.0, 0.0, 0.0, 1.0)
    simulated.place(((0.0, 0.0, 0.06), upright))
    for _ in range(20):
        simulated.move(((0.0, 0.0, 0.061), upright))
    assert simulated.pose[0][2] == pytest.approx(0.061, abs=1e-6)
    simulated.move(((0.0, 0.0, 0.062), upright))
    assert simulated.pose[0][2] < 0.0616  # the servo alone is there within 0.1 mm
    simulated.close()
    with pytest.raises(ValueError, match=r"the lagging robot reaches 0\.2 m, not"):
        PegInHoleEnv(task={"robot": {"model": "lagging"}, "path": {"start_height": 0.3}})
    assert robot.REACH == 0.2


def test_the_term_averages_the_force() -> None:
    groups = {"groups": ["mean_force", "wrench"], "history": 2}
    env = PegInHoleEnv(task={"physics": TASK["physics"], "robot": AT_ONCE, "observation": groups})
    assert env.observation_names[:3] == ("mean_fx", "mean_fy", "mean_fz")
    env.reset(seed=3)
    forces: list[np.ndarray] = [np.zeros(3), np.zeros(3)]
    largest = 0.0
    for _ in range(30):
        seen, *_, info = env.step(np.zeros(6))
        largest = max(largest, *seen[:3])
        forces.append(info["wrench"][:3])
        np.testing.assert_allclose(seen[:3], np.mean(forces[-3:], axis=0) / [5.0, 5.0, 10.0], atol=1e-6)
    assert largest > 0.05


def test_the_task_is_done_by_pressing() -> None:
    env = PegInHoleEnv(task=TASK)
    env.reset(seed=0)
    ended = False
    while not ended:
        _, reward, terminated, truncated, info = env.step(np.zeros(6))
        ended = terminated or truncated
    assert info["result"] == "success" and info["depth"] < 0.001
    assert task.FORCE <= info["force"][-1] < task.FORCE + 2.0
    assert list(info["reward_terms"]) == ["press", "done"] and reward > 8.0


# ---------------------------------------------------------------------- all of them in a training


def test_the_training_had_engine_and_robot(run: arl.Run) -> None:
    rows = read_rows(run.path / "held_out.csv")
    assert {row["physics_hash"] for row in rows} == {physics_hash()}
    assert len({physics_hash(), physics_hash(physics={}), physics_hash(robot={})}) == 3


def test_the_training_had_the_observation_term(run: arl.Run) -> None:
    (hidden, _, _), *_ = run.policy().actor.actor.layers
    assert hidden.shape == (4, 6 + 3)  # and the method has halved the first of 8 units
    assert run.policy().actor.actor.layers[1][0].shape == (8, 4)
    with pytest.raises(ValueError, match="observes 9 components, got shape"):
        run.policy().act(np.zeros(6, dtype=np.float32))


def test_the_training_had_the_task(run: arl.Run) -> None:
    rows = read_rows(run.path / "held_out.csv")
    done = [row for row in rows if row["success"] == "True"]
    assert done and all(row["depth"] < 0.001 for row in done)
    assert all(task.FORCE <= row["peak_force"] < task.FORCE + 4.0 for row in done)
    assert run.config.task.name == "press" and run.finished


def test_the_training_had_the_method(run: arl.Run) -> None:
    rows = read_rows(run.path / "noise.csv")
    assert [(row["step"], row["scale"]) for row in rows] == [(0, 1.0), (60, 0.5), (120, 0.25), (180, 0.125)]
    assert run.config.method == FadingNoiseConfig(every=60)


def test_the_method_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="method=fading_noise needs algo=sac, td3 or ddpg, got ppo"):
        arl.train(algo="ppo", method="fading_noise")
    with pytest.raises(ValueError, match="method.every must be less than steps=200, got 300"):
        arl.train(method=FadingNoiseConfig(every=300), steps=200)


def test_a_training_that_goes_on_is_that_of_all_steps(run: arl.Run, tmp_path: Path) -> None:
    """A checkpoint and ``after_load`` hold all that the parts remember."""
    shorter = arl.train(configuration(steps=150), run_dir=tmp_path / "shorter", processes=1)
    assert shorter.continue_(steps=200, processes=1).finished
    for name in ("noise.csv", "episodes.csv", "held_out.csv"):
        assert (shorter.path / name).read_bytes() == (run.path / name).read_bytes(), name
    assert last_policy(shorter) == last_policy(run)


def test_evaluation(run: arl.Run) -> None:
    policy = arl.load(run.path)
    own = arl.evaluate(policy, episodes=4, processes=1)
    assert [row["depth"] for row in own.rows] == [
        row["depth"] for row in read_rows(run.path / "held_out.csv")
    ]
    bullet = TaskConfig(name="press")
    other = arl.evaluate(policy, part="triangle", task=bullet, episodes=2, processes=1)
    assert {row["physics_hash"] for row in other.rows}.isdisjoint(row["physics_hash"] for row in own.rows)
    assert other.rows[0]["certificate_valid"]


def test_an_algorithm(tmp_path: Path) -> None:
    config = arl.make_config(task=TASK, algo=algorithm.A2CConfig(batch_size=25, network=[8]), **QUICK)
    whole = arl.train(config, run_dir=tmp_path / "a2c", processes=1)
    state = json.loads((RunDirectory.open(whole.path).latest_checkpoint() / "state.json").read_text())
    assert state["layout"]["algorithm"] == "A2C" and state["counters"]["_n_updates"] == 8
    weights, _, activation = arl.load(whole.path).actor.actor.layers[0]
    assert weights.shape == (8, 9) and activation == "tanh"
    assert arl.evaluate(whole.policy(), episodes=2, processes=1).summary.episodes == 2
    shorter = arl.train(replace(config, steps=100), run_dir=tmp_path / "shorter", processes=1)
    assert last_policy(shorter.continue_(steps=200, processes=1)) == last_policy(whole)


# ---------------------------------------------------------------------- commands, and a robot program


def start(arguments: list[str], *path: Path) -> subprocess.CompletedProcess[str]:
    found = os.pathsep.join(map(str, [*path, ROOT]))
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": found, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def entry_points_of_the_page() -> str:
    """The table of the page as the metadata of an installed package has it."""
    table = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    table = table.replace('[project.entry-points."', "[").replace('"]', "]").replace('"', "")
    assert table.count("example_plugin.") == 6
    return table


def test_the_commands_know_what_a_package_names_as_entry_points(tmp_path: Path) -> None:
    package = tmp_path / "site" / "example_plugin-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: example-plugin\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(entry_points_of_the_page())
    arguments = [
        *("-m", "assembly_rl.cli.train", "method=fading_noise", "method.every=20", "steps=40", *SMALL),
        *("task.physics.engine=quasi_static", "task.robot.model=lagging", "task.name=press"),
        *("task.observation.groups=[pose,mean_force]", "pictures=false", f"run_dir={tmp_path / 'run'}"),
        *("evaluation.every=40", "evaluation.episodes=1", "evaluation.held_out=1"),
    ]
    known = start(arguments, package.parent, FOLDER)
    assert known.returncode == 0, known.stderr
    assert [row["scale"] for row in read_rows(tmp_path / "run" / "noise.csv")] == [1.0, 0.5]
    rows = read_rows(tmp_path / "run" / "held_out.csv")
    assert rows[0]["physics_hash"] == physics_hash()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose policy observes the term, and whose goal is half of the depth."""
    folder = tmp_path_factory.mktemp("half")
    half = {"observation": TASK["observation"], "limits": {"goal_margin": 0.0125, "time": 1.0}}
    config = arl.make_config(*SMALL, task=half, **(QUICK | {"steps": 100}))
    return arl.export(arl.train(config, run_dir=folder / "run", processes=1), episodes=2).bundle


def test_a_bundle_carries_the_observation_and_the_limits(bundle: Path) -> None:
    manifest = read_bundle(bundle).manifest
    assert manifest.observations[6:] == ["mean_fx", "mean_fy", "mean_fz"]
    assert manifest.insertion.limits.goal_margin == 0.0125
    assert load_bundle(bundle).manifest.insertion.observation.groups == ["pose", "mean_force"]


def test_a_robot_program_imports_the_term(bundle: Path) -> None:
    program = (
        "import sys; {first}from assembly_rl.controllers import load_bundle; load_bundle(sys.argv[1]); "
        "assert not {{'torch', 'pybullet', 'gymnasium'}} & set(sys.modules)"
    )
    with_term = program.format(first="import example_plugin.observation; ")
    assert start(["-c", with_term, str(bundle)], FOLDER).returncode == 0
    without = start(["-c", program.format(first=""), str(bundle)], FOLDER)
    assert without.returncode == 1 and "unknown observation group 'mean_force'" in without.stderr


def test_a_term_that_is_not_measurable_stays_in_the_simulation(
    run: arl.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation.MeanForce, "measurable", False)
    with pytest.raises(ValueError, match="'mean_force', which a robot does not measure"):
        arl.export(run, tmp_path / "export")
