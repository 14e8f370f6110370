import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import toy_training
from safetensors.torch import load_file
from toy_training import make_model, train

from assembly_rl.runs import RunDirectory
from assembly_rl.runs.files import read_json

TOTAL = 240


class Crash(Exception):
    pass


def crash_at(step):
    def at_step(now):
        if now >= step:
            raise Crash

    return at_step


def signal_at(step, number=signal.SIGTERM):
    def at_step(now):
        if now == step:
            os.kill(os.getpid(), number)

    return at_step


def assert_same_run(one: Path, other: Path):
    """The last checkpoints agree in every bit but wall-clock times, and so do the rows."""
    first, second = (RunDirectory.open(path).latest_checkpoint() for path in (one, other))
    assert first.name == second.name
    for name in ("policy", "training"):
        tensors, others = (load_file(folder / f"{name}.safetensors") for folder in (first, second))
        assert tensors.keys() == others.keys()
        assert [key for key in tensors if not torch.equal(tensors[key], others[key])] == []
    states = [read_json(folder / "state.json", 2) for folder in (first, second)]
    for state in states:
        del state["counters"]["_num_timesteps_at_start"]
        for episode in state["episodes"]["ep_info_buffer"]:
            del episode["t"]
    assert states[0] == states[1]
    rows = RunDirectory.open(one).episodes.read_bytes()
    assert rows == RunDirectory.open(other).episodes.read_bytes()
    assert rows.count(b"\n") > 5


CASES = {
    "DDPG": ("DDPG", {}),
    "TD3": ("TD3", {}),
    "TD3 by episode": ("TD3", {"train_freq": (1, "episode"), "gradient_steps": -1}),
    "SAC": ("SAC", {}),
    "SAC fixed entropy": ("SAC", {"ent_coef": 0.1, "action_noise": None}),
    "SAC gSDE": ("SAC", {"use_sde": True, "train_freq": 8, "use_sde_at_warmup": True}),
    "SAC small memory": (
        "SAC",
        {"optimize_memory_usage": True, "replay_buffer_kwargs": {"handle_timeout_termination": False}},
    ),
    "PPO": ("PPO", {}),
    "PPO gSDE": ("PPO", {"use_sde": True, "sde_sample_freq": 4}),
    "TD3 in two": ("TD3", {"n_envs": 2}),
    "SAC in two": ("SAC", {"n_envs": 2}),
    "PPO in two": ("PPO", {"n_envs": 2}),
    "fast TD3": ("fast TD3", {}),
    "fast SAC": ("fast SAC", {"ent_coef": 0.1, "action_noise": None}),
    "fast SAC in two": ("fast SAC", {"ent_coef": 0.1, "n_envs": 2}),
    "fast SAC overlapped in two": (
        "fast SAC",
        {"ent_coef": 0.1, "action_noise": None, "n_envs": 2, "subprocess": True, "overlapped": True},
    ),
}


@pytest.mark.parametrize("algorithm, options", CASES.values(), ids=CASES)
def test_a_crashed_and_resumed_training_equals_an_uninterrupted_one(tmp_path, algorithm, options):
    make = partial(make_model, algorithm, **options)
    model, _ = train(tmp_path / "whole", make, TOTAL)
    # Before anything is learned, before and after the replay buffer (150) is full.
    for resume, step in ((False, 10), (True, 130), (True, 215)):
        with pytest.raises(Crash):
            train(tmp_path / "parts", make, TOTAL, resume=resume, at_step=crash_at(step))
    resumed, checkpointer = train(tmp_path / "parts", make, TOTAL, resume=True)

    assert not checkpointer.interrupted
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    for key, weight in model.policy.state_dict().items():
        assert torch.equal(weight, resumed.policy.state_dict()[key]), key
    for name in (
        "num_timesteps",
        "_n_updates",
        "_episode_num",
        "_total_timesteps",
        "_current_progress_remaining",
    ):
        assert getattr(model, name) == getattr(resumed, name), name


@pytest.mark.parametrize("algorithm", ["TD3", "PPO"])
def test_a_signal_saves_and_stops_and_the_resumed_training_is_exact(tmp_path, algorithm):
    make = partial(make_model, algorithm)
    train(tmp_path / "whole", make, TOTAL)
    before = signal.getsignal(signal.SIGTERM)
    model, checkpointer = train(tmp_path / "parts", make, TOTAL, at_step=signal_at(111))
    assert checkpointer.interrupted
    assert signal.getsignal(signal.SIGTERM) is before
    saved = int(RunDirectory.open(tmp_path / "parts").latest_checkpoint().name.removeprefix("step_"))
    assert 111 <= saved == model.num_timesteps - 1 <= 128
    train(tmp_path / "parts", make, TOTAL, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    def at_step(step):
        if step == 45:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)  # timeout(1) sends it twice
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", partial(make_model, "PPO"), TOTAL, at_step=at_step)
    assert signal.getsignal(signal.SIGINT) is before


def test_how_often_checkpoints_are_taken_changes_nothing(tmp_path):
    make = partial(make_model, "SAC")
    train(tmp_path / "seldom", make, 150, every=10_000)
    train(tmp_path / "often", make, 150, every=3)
    assert_same_run(tmp_path / "seldom", tmp_path / "often")


def test_a_finished_training_stays_as_it_is_or_is_extended(tmp_path):
    make = partial(make_model, "TD3", learning_rate=1e-3)
    train(tmp_path / "whole", make, TOTAL)
    train(tmp_path / "parts", make, 200)
    model, _ = train(tmp_path / "parts", make, 200, resume=True)
    assert model.num_timesteps == 200
    train(tmp_path / "parts", make, TOTAL, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def start(*arguments):
    command = [sys.executable, toy_training.__file__, *map(str, arguments)]
    pipe = subprocess.PIPE
    # A group of its own, to which a terminal's Ctrl-C would go.
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_stopped_by_a_signal_resumes_exactly(tmp_path, number):
    train(tmp_path / "whole", partial(make_model, "SAC"), TOTAL)
    process = start(tmp_path / "parts", TOTAL, "--pause", 133)
    assert process.stdout.readline().startswith("paused")
    process.send_signal(number)
    output, _ = process.communicate("\n", timeout=1800)
    latest = RunDirectory.open(tmp_path / "parts").latest_checkpoint().name
    if number == signal.SIGTERM:
        assert process.returncode == 0 and "interrupted" in output
        assert latest == "step_0000000133"
    else:
        assert process.returncode == -signal.SIGKILL
        assert latest == "step_0000000100"
    if number == signal.SIGKILL:
        output, _ = start(tmp_path / "parts", TOTAL, "--resume").communicate(timeout=1800)
        assert "finished" in output
    else:
        train(tmp_path / "parts", partial(make_model, "SAC"), TOTAL, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_ctrl_c_in_a_terminal_does_not_kill_the_environment_processes(tmp_path):
    train(tmp_path / "whole", partial(make_model, "SAC", n_envs=2), 200)
    process = start(tmp_path / "parts", 200, "--pause", 120, "--subprocess")
    assert process.stdout.readline().startswith("paused")
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate("\n", timeout=1800)
    assert process.returncode == 0 and "interrupted" in output
    train(tmp_path / "parts", partial(make_model, "SAC", n_envs=2), 200, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
