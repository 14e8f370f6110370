import shutil
from functools import partial

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import VecNormalize
from toy_training import make_model, train

from assembly_rl.runs import (
    RunDirectory,
    RunError,
    load_checkpoint,
    load_policy,
    save_checkpoint,
    save_policy,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    train(folder, partial(make_model, "SAC"), 60)
    return RunDirectory.open(folder).latest_checkpoint()


@pytest.fixture
def checkpoint(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "checkpoint")


def assert_refused_untouched(model, checkpoint, message):
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    streams = np.random.get_state()[1].copy(), torch.get_rng_state()
    with pytest.raises(RunError, match=message):
        load_checkpoint(model, checkpoint)
    assert all(torch.equal(value, before[key]) for key, value in model.policy.state_dict().items())
    assert model.num_timesteps == 0 and model.replay_buffer.pos == 0 and model._last_obs is None
    assert np.array_equal(np.random.get_state()[1], streams[0]) and torch.equal(
        torch.get_rng_state(), streams[1]
    )


@pytest.mark.parametrize("name", ["state.json", "policy.safetensors", "training.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "empty", "absent"])
def test_a_damaged_file_is_named(checkpoint, name, damage):
    content = (checkpoint / name).read_bytes()
    if damage == "absent":
        (checkpoint / name).unlink()
    else:
        (checkpoint / name).write_bytes(content[:-100] if damage == "cut" else b"")
    assert_refused_untouched(make_model("SAC"), checkpoint, f"{name} is (missing|damaged)")


@pytest.mark.parametrize("name", ["policy.safetensors", "training.safetensors"])
def test_a_flipped_bit_is_found(checkpoint, name):
    content = bytearray((checkpoint / name).read_bytes())
    content[-50] ^= 1
    (checkpoint / name).write_bytes(content)
    assert_refused_untouched(make_model("SAC"), checkpoint, f"{name} is damaged: its SHA-256")


@pytest.mark.parametrize(
    "model, message",
    [
        (
            partial(make_model, "SAC", width=24),
            r"policy: actor.latent_pi.0.weight: saved float32\[16, 3\], model",
        ),
        (partial(make_model, "TD3"), "algorithm: saved SAC, model TD3"),
        (
            partial(make_model, "SAC", buffer_size=99),
            r"replay: observations: saved float32\[150, 1, 3\], model",
        ),
        (partial(make_model, "SAC", n_envs=2), "n_envs: saved 1, model 2"),
        (
            partial(make_model, "SAC", ent_coef=0.1),
            r"variables: log_ent_coef: saved float32\[1\], model absent",
        ),
        (partial(make_model, "SAC", action_noise=None), "action_noise: saved .*, model "),
    ],
)
def test_a_different_model_is_refused(checkpoint, model, message):
    assert_refused_untouched(model(), checkpoint, message)


def test_the_networks_alone_can_be_saved_and_loaded(checkpoint, tmp_path):
    model, other = make_model("SAC"), make_model("SAC")
    load_policy(model.policy, checkpoint)
    save_policy(model.policy, tmp_path / "best")
    save_policy(model.policy, tmp_path / "best")
    load_policy(other.policy, tmp_path / "best")
    for key, weight in model.policy.state_dict().items():
        assert torch.equal(weight, other.policy.state_dict()[key])
    with pytest.raises(RunError, match=r"(?s)policy.safetensors does not fit this model:.*and \d+ more"):
        load_policy(make_model("SAC", width=8).policy, checkpoint)


def test_what_cannot_be_restored_exactly_is_refused_at_the_first_save(tmp_path):
    model = make_model("PPO")
    model.env = VecNormalize(model.env)
    with pytest.raises(RunError, match="VecNormalize has a state of its own"):
        save_checkpoint(model, tmp_path / "c")
    model = make_model("PPO", env="CartPole-v1")
    with pytest.raises(RunError, match="get_state"):
        save_checkpoint(model, tmp_path / "c")
    assert not list(tmp_path.iterdir())


def test_values_json_has_no_word_for_survive(tmp_path):
    model = make_model("PPO")
    model.learn(32)
    model.ep_info_buffer.append({"r": np.float32(np.inf), "l": np.int64(3), "t": float("nan")})
    save_checkpoint(model, tmp_path / "c")
    other = make_model("PPO")
    assert load_checkpoint(other, tmp_path / "c") == 32
    last = other.ep_info_buffer[-1]
    assert last["r"] == np.inf and last["l"] == 3 and np.isnan(last["t"])
    assert other.ep_info_buffer.maxlen == model.ep_info_buffer.maxlen
