"""A run that is killed, damaged, shared or put on a full disk gives the undisturbed result, or one line."""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from test_resume_is_exact import Crash, assert_same_run, crash_at
from toy_training import make_model, train

from assembly_rl.runs import RowLog, RunDirectory, RunError, first_unused, load_checkpoint, read_rows
from assembly_rl.runs.files import read_json, read_tensors, write_json, write_tensors
from assembly_rl.runs.lock import FILE, FolderLock
from assembly_rl.runs.manifest import FILE as MANIFEST
from assembly_rl.runs.manifest import verify, write_manifest

make = partial(make_model, "fast TD3")
TOTAL = 150


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(folder, make, TOTAL)
    return folder


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """Crashed at step 130, with checkpoints of steps 50 and 100."""
    folder = tmp_path_factory.mktemp("crashed") / "run"
    with pytest.raises(Crash):
        train(folder, make, TOTAL, at_step=crash_at(130))
    assert sorted(RunDirectory.open(folder).saved()) == [50, 100]
    return folder


@pytest.fixture
def run(crashed, tmp_path):
    return RunDirectory.open(shutil.copytree(crashed, tmp_path / "run"))


def resume(run):
    return train(run.path, make, TOTAL, resume=True)


# ------------------------------------------------------------------ links, pipes


def symbolic(path: Path, outside: Path) -> None:
    path.symlink_to(outside)


def hard(path: Path, outside: Path) -> None:
    path.hardlink_to(outside)


@pytest.mark.parametrize("link", [symbolic, hard])
@pytest.mark.parametrize(
    "name",
    [
        "episodes.csv",
        "evaluations.csv",
        "run.json",
        ".episodes.partial.csv",
        "result.json",
        "own/weights.json",
    ],
)
def test_nothing_is_written_through_a_link_to_a_file(run, tmp_path, link, name):
    outside = tmp_path / "outside"
    content = (run.path / name).read_bytes() if (run.path / name).exists() else b"precious\n"
    outside.write_bytes(content)
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).unlink(missing_ok=True)
    link(run.path / name, outside)
    with pytest.raises(RunError, match=rf"{name} is a (symbolic|hard) link.*remove it, or put a copy"):
        resume(run)
    assert outside.read_bytes() == content


@pytest.mark.parametrize(
    "name",
    ["checkpoints", "checkpoints/best", "checkpoints/.step_0000000150.partial", "tensorboard", "figures"],
)
def test_nothing_is_written_through_a_link_to_a_folder(run, tmp_path, name):
    outside = tmp_path / "outside"
    if (run.path / name).exists():
        (run.path / name).rename(outside)
    outside.mkdir(exist_ok=True)
    before = sorted(outside.rglob("*"))
    (run.path / name).symlink_to(outside)
    with pytest.raises(RunError, match=f"{name} is a symbolic link"):
        resume(run)
    assert sorted(outside.rglob("*")) == before


@pytest.mark.parametrize("name", ["episodes.csv", ".lock", "checkpoints/step_0000000100/state.json", "x"])
def test_a_pipe_is_not_waited_for(run, name):
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    with pytest.raises(RunError, match=f"{name} is neither a file nor a folder"):
        resume(run)
    with pytest.raises(RunError, match="not a regular file"):
        read_rows(run.path / name)


def test_a_link_in_the_place_of_a_new_file_is_replaced_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("precious")
    for name in ("a.json", ".a.partial.json"):
        (tmp_path / name).symlink_to(outside)
    write_json(tmp_path / "a.json", {})
    assert outside.read_text() == "precious" and not (tmp_path / "a.json").is_symlink()
    (tmp_path / "rows.csv").symlink_to(tmp_path / "new.csv")
    with pytest.raises(RunError, match="symbolic link"):
        RowLog(tmp_path / "rows.csv", ["a"])
    (tmp_path / "run").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunError, match="exists and is not an empty folder"):
        RunDirectory.create(tmp_path / "run", {}, [])
    assert not (tmp_path / "new.csv").exists() and not (tmp_path / "nowhere").exists()


# ------------------------------------------------------------------ one writer


def _hold(path, ready):
    lock = FolderLock()
    lock.acquire(path)
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    ready.send((os.getpid(), child.pid))
    time.sleep(60)


def test_two_processes_do_not_write_one_run_and_a_killed_one_frees_it(run):
    context = multiprocessing.get_context("fork")
    ready, end = context.Pipe()
    process = context.Process(target=_hold, args=(run.path, end))
    process.start()
    pid, child = ready.recv()
    try:
        with pytest.raises(
            RunError, match=rf"run is being written by process {pid} on \S+: wait for its end"
        ):
            resume(run)
    finally:
        process.kill()
        process.join()
    try:
        with run.claimed():  # although a worker of the killed process lives on
            os.kill(child, 0)
            with pytest.raises(RunError, match=f"written by process {os.getpid()} on"):
                resume(RunDirectory.open(run.path))
    finally:
        os.kill(child, signal.SIGKILL)
    assert not (run.path / FILE).exists()


def _create(barrier, results):
    barrier.wait()
    results.put(str(first_unused("x", lambda path: RunDirectory.create(path, {}, [])).path))


def test_launches_at_once_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(6), context.Queue()
    processes = [context.Process(target=_create, args=(barrier, results)) for _ in range(6)]
    for process in processes:
        process.start()
    found = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert found == ["runs/x", *(f"runs/x-{number}" for number in range(2, 7))]
    assert not list(tmp_path.glob("runs/.*"))


# ------------------------------------------------------------------ half-made


def _die(path):
    RunDirectory.create(path, {}, [], fill=lambda run: os._exit(9))


def test_a_run_killed_while_it_is_made_is_not_there_and_can_be_made_again(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_die, args=(tmp_path / "run",))
    process.start()
    process.join()
    assert process.exitcode == 9 and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(RunError, match="does not exist; run_dir=.*run starts one"):
        RunDirectory.open(tmp_path / "run")
    RunDirectory.create(tmp_path / "run", {}, [], fill=lambda run: (run.path / "a.json").touch())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"run.json", "a.json"}


def test_a_run_killed_before_its_first_checkpoint_begins_again(whole, tmp_path, capsys):
    RunDirectory.create(tmp_path / "run", {"lr": 1e-2}, ["toy"], seed=7)
    RowLog(tmp_path / "run" / "episodes.csv", ["return", "length"]).append(3, {"return": 1.0, "length": 2})
    train(tmp_path / "run", make, TOTAL, resume=True)
    assert "has no checkpoint yet: the training begins at step 0" in capsys.readouterr().out
    assert_same_run(whole, tmp_path / "run")


# ------------------------------------------------------------------ damaged checkpoints


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def as_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    "cut": lambda new, old: os.truncate(new / "training.safetensors", 999),
    "empty": lambda new, old: os.truncate(new / "state.json", 0),
    "bit of state": lambda new, old: flip(new / "state.json"),
    "bit of policy": lambda new, old: flip(new / "policy.safetensors"),
    "bit of training": lambda new, old: flip(new / "training.safetensors"),
    "bit of manifest": lambda new, old: flip(new / MANIFEST),
    "absent": lambda new, old: (new / "policy.safetensors").unlink(),
    "absent manifest": lambda new, old: (new / MANIFEST).unlink(),
    "file of another step": lambda new, old: shutil.copy(old / "training.safetensors", new),
    "all of another step": lambda new, old: (shutil.rmtree(new), shutil.copytree(old, new)),
    "further file": lambda new, old: (new / "other.json").touch(),
    "folder": lambda new, old: as_folder(new / "state.json"),
    "file in its place": lambda new, old: (shutil.rmtree(new), new.touch()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_moved_aside_and_an_older_one_is_used(whole, run, damage, capsys):
    damage(run.checkpoint(100), run.checkpoint(50))
    resume(run)
    told = [line for line in capsys.readouterr().out.splitlines() if "moved to" in line]
    assert len(told) == 1 and "step_0000000100" in told[0] and "the training goes on from step 50" in told[0]
    assert (run.checkpoints / "damaged_step_0000000100").exists()
    assert_same_run(whole, run.path)


def test_without_a_usable_checkpoint_one_line_says_what_to_do_and_that_works(whole, run):
    for step in (50, 100):
        flip(run.checkpoint(step) / "policy.safetensors")
    with pytest.raises(
        RunError, match=r"no usable checkpoint: .*remove .*step_\* to begin again at step 0"
    ) as told:
        resume(run)
    assert "\n" not in str(told.value) and sorted(run.saved()) == [50, 100]
    for folder in run.checkpoints.glob("step_*"):
        shutil.rmtree(folder)
    resume(run)
    assert_same_run(whole, run.path)


def test_a_checkpoint_of_before_the_manifests_is_read(whole, run):
    for step in (50, 100):
        folder = run.checkpoint(step)
        (folder / MANIFEST).unlink()
        write_json(folder / "state.json", json.loads((folder / "state.json").read_text()) | {"format": 1})
    resume(run)
    assert_same_run(whole, run.path)


# ------------------------------------------------------------------ content


def rewritten(run, change):
    """Change the state of the newest checkpoint, with right checksums."""
    folder = run.checkpoint(100)
    rows = verify(folder)
    state = json.loads((folder / "state.json").read_text())
    change(state)
    (folder / MANIFEST).unlink()
    (folder / "state.json").write_text(json.dumps(state))
    write_manifest(folder, 100, rows)
    return folder


CONTENTS = {
    "attribute": (lambda state: state["counters"].update(policy=3), "counters must be without 'policy'"),
    "absent counter": (
        lambda state: state["counters"].pop("_n_updates"),
        "counters must be with '_n_updates'",
    ),
    "counter": (
        lambda state: state["counters"].update(_n_updates="1"),
        "counters._n_updates must be an integer",
    ),
    "huge counter": (lambda state: state["counters"].update(_n_updates=10**40), "must be an integer from 0"),
    "infinite": (
        lambda state: state["counters"].update(_current_progress_remaining=float("inf")),
        "must be finite",
    ),
    "buffer": (
        lambda state: state["episodes"].update(replay_buffer=[]),
        "episodes must be without 'replay_buffer'",
    ),
    "episode": (
        lambda state: state["episodes"].update(ep_info_buffer=[3]),
        "ep_info_buffer must be an object",
    ),
    "optimizer": (lambda state: state["optimizers"].update(evil={}), "optimizers must be without 'evil'"),
    "group": (
        lambda state: state["optimizers"]["actor.optimizer"]["groups"][0].update(hook="x"),
        "must be without 'hook'",
    ),
    "rate": (
        lambda state: state["optimizers"]["actor.optimizer"]["groups"][0].update(lr="x"),
        "lr must be a number",
    ),
    "entry": (
        lambda state: state["optimizers"]["actor.optimizer"].update(entries={"9999/step": 1}),
        "must be one of step, exp_avg",
    ),
    "replay": (lambda state: state["replay"].update(buffer_size=1), "replay must be without 'buffer_size'"),
    "position": (lambda state: state["replay"].update(pos=-7), "replay.pos must be an integer from 0"),
    "stream": (lambda state: state["streams"].update(evil=1), "streams must be without 'evil'"),
    "python": (
        lambda state: state["streams"].update(python=[3, [], None]),
        "streams.python is not the state",
    ),
    "numpy": (lambda state: state["streams"].update(numpy={}), "streams.numpy is not the state"),
    "wrapper": (
        lambda state: state["environments"][0].update(step="evil"),
        r"environments\[0\] must be without 'step'",
    ),
    "rewards": (lambda state: state["environments"][0].update(rewards="evil"), "rewards must be a list"),
    "environments": (lambda state: state.update(environments=[]), "environments must be a list of 1"),
    "further": (lambda state: state.update(evil=1), "must be without 'evil'"),
    "list": (lambda state: state.update(streams=[1]), "streams must be an object"),
}


@pytest.mark.parametrize(("change", "message"), CONTENTS.values(), ids=CONTENTS)
def test_a_file_names_only_what_the_code_knows_and_nothing_is_set_before(run, change, message):
    folder = rewritten(run, change)
    model = make()
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    names = set(vars(model))
    with pytest.raises(RunError, match=f"state.json.*{message}") as told:
        load_checkpoint(model, folder)
    assert f"remove {folder} to go on from an earlier checkpoint" in str(told.value)
    assert "\n" not in str(told.value) and set(vars(model)) == names and model.num_timesteps == 0
    assert all(torch.equal(value, before[key]) for key, value in model.policy.state_dict().items())


def test_a_state_that_its_environment_refuses_is_one_line(run):
    def change(state):
        state["environments"][0]["environment"] = {"start": {"bit_generator": "evil"}}

    with pytest.raises(RunError, match=r"environments\[0\].environment must be a state of the environment"):
        load_checkpoint(make(), rewritten(run, change))


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("evil/x", torch.zeros(1)),
        ("optimizer/evil/0/step", torch.zeros(())),
        ("optimizer/actor.optimizer/0/exp_avg", torch.zeros(3)),
        ("replay/rewards", torch.zeros(100, 1, dtype=torch.float64)),
        ("observed/_last_obs", torch.zeros(1, 4)),
        ("stream/torch", torch.zeros(3, dtype=torch.uint8)),
        ("variable/log_ent_coef", torch.zeros(2)),
    ],
)
def test_tensors_of_other_names_types_or_shapes_are_refused(run, name, tensor):
    folder = run.checkpoint(100)
    rows, tensors = verify(folder), read_tensors(folder / "training.safetensors")
    write_tensors(folder / "training.safetensors", tensors | {name: tensor})
    (folder / MANIFEST).unlink()
    write_manifest(folder, 100, rows)
    with pytest.raises(RunError, match="step_0000000100"):
        load_checkpoint(make(), folder)


@pytest.mark.parametrize("name", ["../outside.csv", "run.json"])
def test_a_manifest_cannot_name_another_file_to_cut(run, tmp_path, name):
    (tmp_path / "outside.csv").write_text("precious")
    folder = run.checkpoint(100)
    rows = verify(folder)
    (folder / MANIFEST).unlink()
    write_manifest(folder, 100, {name: rows["episodes.csv"]})
    with pytest.raises(RunError, match="rows must be names of CSV files"):
        load_checkpoint(make(), folder)
    assert (tmp_path / "outside.csv").read_text() == "precious"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 200_000, "damaged"),
        ('{"format": 1, "format": 1}', "the key 'format' occurs twice"),
        (f'{{"format": {"9" * 5000}}}', "damaged"),
        ('{"format": true}', "'format' number"),
        ('{"format": 1, "config": [], "versions": {}}', "'config' must be of type dict"),
        ("[]", "not a JSON object"),
        ("\xff\xfe", "damaged"),
        ("", "damaged"),
    ],
)
def test_a_strange_run_json_is_one_line_with_the_file(tmp_path, content, message):
    (tmp_path / "run.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match=f"run.json.*{message}") as told:
        RunDirectory.open(tmp_path)
    assert "\n" not in str(told.value)


# ------------------------------------------------------------------ rows


def test_a_torn_row_is_told_and_written_again(whole, run, capsys):
    with run.episodes.open("a") as file:
        file.write("131,-0.3")
    resume(run)
    assert "episodes.csv: the last row was torn by a stop and is written again" in capsys.readouterr().out
    assert_same_run(whole, run.path)
    told = []
    with run.episodes.open("a") as file:
        file.write("13")
    RowLog(run.episodes, ["return", "length"], told.append)
    assert told == [f"  {run.episodes}: the last row was torn by a stop and is removed"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "episodes.csv is missing, whose rows up to step 100"),
        (lambda path: os.truncate(path, 40), "episodes.csv is damaged: its rows to step 100"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"\n1", b"\n\xff", 1)), "line 2 is damaged"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b",", b"", 3)), "line 2 is damaged"),
        (flip, "episodes.csv.* damaged"),
    ],
)
def test_damaged_rows_are_refused_and_beginning_again_works(whole, run, damage, message):
    damage(run.episodes)
    with pytest.raises(RunError, match=message):
        resume(run)
    for folder in run.checkpoints.glob("step_*"):
        shutil.rmtree(folder)
    run.episodes.unlink(missing_ok=True)
    resume(run)
    assert_same_run(whole, run.path)


def test_a_damaged_line_is_named_to_a_reader(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("step,a\n1,2\n2\n3,4\n")
    with pytest.raises(RunError, match="rows.csv, line 3 is damaged: it has 1 values, and the header 2"):
        read_rows(path)
    path.write_text("step,a\n1,2\nx,3\n")
    with pytest.raises(RunError, match="rows.csv, line 3 is damaged: its step is 'x'"):
        RowLog(path, ["a"])


# ------------------------------------------------------------------ full disk


@pytest.mark.parametrize("size", [300, 3_000, 20_000])
def test_a_full_disk_is_one_line_and_later_the_result_is_the_undisturbed_one(whole, tmp_path, size):
    """A limit of the file size is what a user without a small disk can set."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        with pytest.raises(RunError, match="cannot be written: File too large; raise ulimit -f") as told:
            train(tmp_path / "run", make, TOTAL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert "\n" not in str(told.value)
    assert not list(tmp_path.rglob("*.partial*"))
    train(tmp_path / "run", make, TOTAL, resume=(tmp_path / "run").exists())
    assert_same_run(whole, tmp_path / "run")


@pytest.mark.parametrize("path", ["/proc/foo", "/proc/1/foo/bar", "/dev/null/run", "x" * 300])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=rf"{path} cannot be (written|read): .*"):
        RunDirectory.create(path, {}, [])
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(tmp_path):
    write_json(tmp_path / "a.json", {"format": 1, "value": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(RunError, match="a.json cannot be written"):
            write_json(tmp_path / "a.json", {"format": 1, "value": list(range(1000))})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read_json(tmp_path / "a.json", 1)["value"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_checkpoint_of_a_newer_version_is_not_taken_for_a_damaged_one(run):
    path = run.checkpoint(100) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(RunError, match="manifest.json has format 99, .*: use a newer one"):
        resume(run)
    assert sorted(run.saved()) == [50, 100]


def test_text_in_the_place_of_a_number_is_named(tmp_path):
    (tmp_path / "rows.csv").write_text("step,a\n1,2\n2,x\n")
    with pytest.raises(RunError, match="rows.csv, line 3 is damaged: a must be a number, got 'x'"):
        read_rows(tmp_path / "rows.csv", ["a"])
