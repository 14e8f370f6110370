"""The session of docs/api.md, run as it is written, and the errors of the Python API."""

import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import assembly_rl as arl
from assembly_rl.envs import PegHole
from assembly_rl.envs.physics.bullet.library import pybullet
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.runs import RunDirectory, read_rows
from assembly_rl.training.config import EvaluationConfig, TrainConfig

PAGE = Path(__file__).parents[1] / "docs" / "api.md"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("session")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def session(folder: Path) -> dict[str, Any]:
    """All names of the page after its code has run, and under ``written`` what it printed."""
    code = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    written: list[str] = []
    names: dict[str, Any] = {"print": written.append, "written": written}
    for block in code:
        exec(compile(block, str(PAGE), "exec"), names)
    return names


def small_config(**fields: Any) -> TrainConfig:
    evaluation = EvaluationConfig(every=100, episodes=1, held_out=1)
    given: dict[str, Any] = {
        "steps": 200,
        "checkpoint_every": 20,
        "evaluation": evaluation,
        "pictures": False,
    }
    overrides = ("algo.learning_starts=20", "algo.batch_size=16", "algo.network=[8]", "task.limits.time=0.5")
    return arl.make_config(*overrides, **(given | fields))


def weights(run: arl.Run) -> bytes:
    return (RunDirectory.open(run.path).latest_checkpoint() / "policy.safetensors").read_bytes()


# ---------------------------------------------------------------------- the page


def test_the_session_of_the_page(session: dict[str, Any], folder: Path) -> None:
    run, policy = session["run"], session["policy"]
    assert run.finished and run.config.steps == 300
    assert [row["step"] for row in run.validations] == [100.0, 200.0, 250.0, 300.0]
    assert sorted(path.name for path in run.path.glob("result*.json")) == [
        "result.json", "result_200.json", "result_250.json",
    ]  # fmt: skip
    assert policy.config.geometry.section == "square" and session["info"]["result"]
    for name, episodes in (("own", 4), ("other", 4), ("tighter", 4)):
        assert session[name].summary.episodes == len(session[name].rows) == episodes
    assert session["tighter"].rows[0]["physics_hash"] != session["own"].rows[0]["physics_hash"]
    assert session["transferred"].folder == Path("runs/triangle") and session["transferred"].steps
    assert (folder / "square.zip").is_file() and session["model"].get_env().num_envs == 1
    assert session["exported"].action_difference == 0.0 and session["state"] != "running"
    assert (folder / "insertion.csv").is_file()
    (message,) = session["written"]
    assert str(message).startswith(
        "unknown geometry 'sqare'; did you mean 'square'? Known: D, L, T, U, circle"
    )


def test_the_page_names_everything_that_the_api_exports() -> None:
    text = PAGE.read_text(encoding="utf-8")
    returned = {"Evaluation", "ExportedController", "Policy", "Run", "TransferResult"}
    for name in set(arl.__all__) - returned:
        assert f"arl.{name}" in text or f"`{name}" in text, name


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"geometry": "triangel"}, "unknown geometry 'triangel'; did you mean 'triangle'?"),
        ({"task": "hrad"}, "unknown task 'hrad'; did you mean 'hard'?"),
        ({"algo": "sca"}, "unknown algo 'sca'; did you mean 'sac'?"),
        ({"method": "lcrl_paed"}, "unknown method 'lcrl_paed'; did you mean 'lcrl_pead'?"),
        ({"stepps": 10}, "unknown field of a training 'stepps'; did you mean 'steps'?"),
        ({"task": {"name": "insrtion"}}, "unknown task 'insrtion'; did you mean 'insertion'?"),
        ({"task": {"robot": {"model": "iwa"}}}, "unknown robot 'iwa'; did you mean 'iiwa'?"),
        (
            {"task": {"physics": {"engine": "bulet"}}},
            "unknown physics engine 'bulet'; did you mean 'bullet'?",
        ),
        ({"task": {"observation": {"groups": ["wrnch"]}}}, "unknown observation group 'wrnch'; did you mean"),
        ({"task": {"limts": {}}}, "limts"),
        ({"geometry": {"section": "sqare"}}, "did you mean 'square'?"),
    ],
)
def test_an_unknown_name(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        arl.train(run_dir=tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_an_unknown_key_of_an_override() -> None:
    with pytest.raises(ValueError, match="bach_size"):
        arl.make_config("algo.bach_size=3")


@pytest.mark.parametrize(
    ("overrides", "fields", "message"),
    [
        (["+stpes=100"], {}, "unknown key 'stpes'; did you mean steps?"),
        (["steps=1e4"], {}, "steps must be a whole number, got 1e4: write 10000"),
        (["steps=1", "steps=2"], {}, "'steps=1' and 'steps=2' set the same"),
        ([], {"steps": 2.5}, "steps must be a whole number, got 2.5"),
        ([], {"seed": "abc"}, "seed must be a whole number, got 'abc'"),
        ([], {"pictures": 2}, "pictures must be true or false, got 2"),
        ([], {"seed": -1}, "seed must be >= 0, got -1"),
        ([], {"evaluation": {"evry": 5}}, "did you mean evaluation.every?"),
    ],
)
def test_python_refuses_what_the_command_line_does(
    overrides: list[str], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        arl.make_config(*overrides, **fields)
    given = arl.make_config("run_dir=2024_01", seed=np.int64(3), evaluation={"every": 5})
    assert (given.run_dir, given.seed, type(given.seed), given.evaluation.every) == ("2024_01", 3, int, 5)


def test_a_configuration_and_fields() -> None:
    with pytest.raises(ValueError, match="give a configuration or its fields, not both: seed, steps"):
        arl.train(small_config(), seed=1, steps=3)


@pytest.mark.parametrize(
    ("override", "given"),
    [
        ("steps=3", {"steps": 4}),
        ("method.samples=3", {"method": PEADConfig()}),
        ("geometry.clearance=5e-5", {"geometry": PegHole()}),
        ("task=hard", {"task": {"policy_rate": 10.0}}),
    ],
)
def test_something_that_is_given_twice(override: str, given: dict[str, Any]) -> None:
    name = next(iter(given))
    with pytest.raises(ValueError, match=f"{name} is given twice, by {name}=... and by '{override}'"):
        arl.make_config(override, **given)
    assert arl.make_config("algo.batch_size=8", algo="td3").algo.batch_size == 8


def test_an_observation_of_another_shape(session: dict[str, Any]) -> None:
    policy = session["policy"]
    for shape in ((17,), (1, 42), ()):
        with pytest.raises(ValueError, match=re.escape(f"square observes 42 components, got shape {shape}")):
            policy.act(np.zeros(shape))


def test_paths_that_are_no_runs(tmp_path: Path) -> None:
    for function in (arl.load, arl.open_run, arl.export):
        with pytest.raises(ValueError, match="is not a run: a run is a folder with a run.json"):
            function(tmp_path)


def test_no_run_is_overwritten(session: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a run never overwrites another: choose another run_dir"):
        arl.train(small_config(), run_dir=session["run"].path)
    with pytest.raises(ValueError, match="square-export exists; nothing is overwritten"):
        arl.export(session["run"], "square-export")


@pytest.mark.parametrize("steps", [250, 300])
def test_a_training_goes_on_to_more_steps_only(session: dict[str, Any], steps: int) -> None:
    before = (session["run"].path / "continuations.json").read_text()
    with pytest.raises(ValueError, match=f"is a training of 300 steps: give more than that, got {steps}"):
        session["run"].continue_(steps=steps)
    assert (session["run"].path / "continuations.json").read_text() == before and session["run"].finished


def test_another_law_than_the_policys(session: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"task.policy_rate differs from the one that the policy"):
        arl.evaluate(session["policy"], task={"policy_rate": 10.0}, episodes=1)


# ---------------------------------------------------------------------- Ctrl-C


def interrupt_after(path: Path, done: threading.Event) -> None:
    """Send Ctrl-C to this process as soon as a path exists."""
    while not done.is_set():
        if path.exists():
            os.kill(os.getpid(), signal.SIGINT)
            return
        time.sleep(0.002)


def test_ctrl_c_saves_and_the_training_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGINT)
    whole = arl.train(small_config(), run_dir=tmp_path / "whole", processes=1)
    done = threading.Event()
    first = tmp_path / "parts" / "checkpoints" / "step_0000000040"
    thread = threading.Thread(target=interrupt_after, args=(first, done))
    thread.start()
    try:
        with pytest.raises(arl.TrainingInterrupted, match="stopped at step") as stop:
            arl.train(small_config(), run_dir=tmp_path / "parts", processes=1)
    finally:
        done.set()
        thread.join()
    assert signal.getsignal(signal.SIGINT) is handler
    assert isinstance(stop.value, KeyboardInterrupt) and 40 <= stop.value.step < 200
    parts = arl.open_run(stop.value.run.path)
    assert not parts.finished and parts.result is None
    assert parts.continue_(processes=1) is parts and parts.finished
    assert weights(parts) == weights(whole)
    for name in ("evaluations.csv", "episodes.csv", "held_out.csv"):
        assert (parts.path / name).read_bytes() == (whole.path / name).read_bytes(), name


# ---------------------------------------------------------------------- side effects


def test_nothing_is_shown_unless_it_is_asked_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = small_config(steps=30)
    run = arl.train(config, run_dir=tmp_path / "quiet", processes=1)
    arl.evaluate(run.policy(), episodes=1, processes=1)
    run.continue_(steps=40, processes=1)
    assert capfd.readouterr() == ("", "")
    arl.train(replace(config, seed=1), run_dir=tmp_path / "loud", progress=True, processes=1)
    shown = capfd.readouterr().out
    assert "trained in" in shown and "held-out episodes" in shown


def test_load_simulates_nothing_and_draws_nothing(
    session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> int:
        raise AssertionError("load has opened a simulation")

    monkeypatch.setattr(pybullet, "connect", refuse)
    before = random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state()
    threads = torch.get_num_threads()
    policy = arl.load(session["run"].path)
    policy.act(np.zeros(42))
    assert random.getstate() == before[0]
    assert str(np.random.get_state(legacy=False)) == str(before[1])
    assert torch.equal(torch.get_rng_state(), before[2]) and torch.get_num_threads() == threads
    with pytest.raises(AssertionError, match="load has opened a simulation"):
        arl.make_env(policy.config)


def test_a_loaded_policy_is_that_of_the_held_out_result(session: dict[str, Any]) -> None:
    run = session["run"]
    rows = arl.evaluate(arl.load(run.path), episodes=4).rows
    held_out = read_rows(run.path / "held_out.csv")
    assert [row["peak_force"] for row in rows] == [row["peak_force"] for row in held_out]
