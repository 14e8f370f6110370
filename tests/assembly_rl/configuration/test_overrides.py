"""Overrides: text as it was typed, and one line for each error of syntax, key and type."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig

from assembly_rl.cli.command import _register_commands
from assembly_rl.configuration.composition import checked_overrides, composed, train_config
from assembly_rl.configuration.keys import assign, nearest_keys, require_complete
from assembly_rl.configuration.overrides import Argument, parse, read_value, require_distinct
from assembly_rl.controllers.validation import InputError

TEXTS = [
    "2024_01_02", "1_000", "1", "1e3", "-0", "0x1", "1.50", "inf", "nan", "true", "False", "a=b", "a,b",
    "a b", " a ", "[a]", "{a:b}", "a[0]", "f(x)", "choice(a,b)", "~/runs", "$HOME", "a$b", "don't", "50%",
    "a;b", "#1", "größe", "漢字", "a:b", "a\\b", "a\tb", "!x", "*", "null", "NULL", "???a", "a'b\"c",
    "a\\", "&", "@a", "+a",
]  # fmt: skip


@pytest.fixture(scope="module")
def train() -> DictConfig:
    return composed("train")


def read_by_hydra(kind: object, value: str, sweep: bool = False) -> list[object]:
    """Values as they are checked here, after a check that Hydra reads the same."""
    reading = read_value(Argument.read(f"key={value}"), kind, sweep)
    parsed = parse(reading.text)
    texts = parsed.sweep_string_iterator() if parsed.is_sweep_override() else [value]
    own = [parse(f"key={text}").value() for text in texts] if sweep else [parsed.value()]
    assert own == reading.values
    return reading.values


@pytest.mark.parametrize("text", TEXTS)
def test_no_path_is_read_as_a_number_or_a_list(text: str) -> None:
    assert read_by_hydra(str, text) == [text]
    assert read_by_hydra(str | None, text) == [None if text.lower() == "null" else text]


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_no_text_is_changed(text: str) -> None:
    if text.strip() and not text.lstrip().startswith(("'", '"')) and "\\" not in text and "${" not in text:
        assert read_by_hydra(str, text) == [text]


def test_quoted_text_keeps_hydras_rules() -> None:
    assert read_by_hydra(str | None, "'null'") == ["null"]
    assert read_by_hydra(str, "'a, b=c'") == ["a, b=c"]
    assert read_by_hydra(str, r"'it\'s'") == ["it's"]
    assert read_by_hydra(str, r"a\,b") == ["a,b"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1_000", ["1_000"]),
        ("[1e3,null,b c]", ["1e3", "null", "b c"]),
        ("[a=b, 2024_01 ]", ["a=b", "2024_01"]),
        ("['a,b',c]", ["a,b", "c"]),
        ("[]", []),
    ],
)
def test_no_entry_of_a_list_of_paths_is_read_as_a_number(value: str, expected: list[str]) -> None:
    assert read_by_hydra(list[str], value) == [expected]


def test_the_values_of_a_sweep_are_text_too() -> None:
    assert read_by_hydra(str, "1_0,a=b,'c,d'", sweep=True) == ["1_0", "a=b", "c,d"]
    assert read_by_hydra(list[str], "1_0,[2_0,c]", sweep=True) == [["1_0"], ["2_0", "c"]]
    assert read_by_hydra(list[float], "1e-4,2e-4", sweep=True) == [[1e-4], [2e-4]]
    assert read_by_hydra(int, "choice(1,2)", sweep=True) == [1, 2]
    assert read_by_hydra(int, "range(0,3)", sweep=True) == [0, 1, 2]


def test_a_single_value_is_a_list_of_one() -> None:
    assert read_by_hydra(list[float], "1e-4") == [[1e-4]]
    assert read_by_hydra(list[int] | None, "null") == [None]


def test_an_interpolation_stays_one() -> None:
    assert composed("train", "run_dir=runs/${now:%Y}-${seed}", "seed=7").run_dir.endswith("-7")


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("stpes", ["steps"]),
        ("task.limits.forse", ["task.limits.force"]),
        ("taks.limits.force", ["task.limits.force"]),
        ("force", ["task.limits.force", "task.ceiling.force", "task.reward.force"]),
        ("held_out", ["parts.held_out", "evaluation.held_out"]),
        ("xyzzy", []),
    ],
)
def test_the_nearest_key(train: DictConfig, key: str, near: list[str]) -> None:
    assert nearest_keys(train, key) == near


@pytest.mark.parametrize("sign", ["", "+", "++", "~"])
def test_no_unknown_key_is_accepted_and_dropped(sign: str) -> None:
    with pytest.raises(InputError, match=r"unknown key 'stpes'; did you mean steps\?"):
        composed("train", f"{sign}stpes=100")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["algo.rollout=5"], "unknown key 'algo.rollout'; algo=ppo has it"),
        (["evaluation={evry:5}"], r"unknown key 'evaluation.evry'; did you mean evaluation.every\?"),
        (["geometry.parameters.widht=1"], r"did you mean .*width\? \(\+geometry.parameters.widht=1 adds"),
        (["hydra.foo=1"], "unknown key 'hydra.foo'"),
        (["task.compliance.mass.6=1"], "unknown key"),
        (["steps.a=1"], "unknown key 'steps.a'"),
        (["steps=1e4"], "steps must be a whole number, got 1e4: write 10000"),
        (["steps=2.5"], "steps must be a whole number, got 2.5$"),
        (["seed=abc"], "seed must be a whole number, got abc"),
        (["seed=null"], "seed must be a whole number, got null"),
        (["seed=true"], "seed must be a whole number, got true"),
        (["seed=[1]"], r"seed must be a whole number, got \[1\]"),
        (["seed={a:1}"], r"seed must be a whole number, got \{a:1\}"),
        (["evaluation.every=1.5"], "evaluation.every must be a whole number, got 1.5"),
        (["evaluation={every:1.5}"], r"evaluation.every must be a whole number, got 1.5"),
        (["evaluation=5"], "evaluation must be a section with every, episodes, held_out, got 5"),
        (["algo.learning_rate=fast"], "algo.learning_rate must be a number, got fast"),
        (["algo.gamma=" + "9" * 500], r"algo.gamma must be a number, got 9{70,77}\.\.\.$"),
        (["steps=" + "9" * 5000], "cannot be read"),
        (["pictures=maybe"], "pictures must be true or false, got maybe"),
        (["pictures=2"], "pictures must be true or false, got 2"),
        (
            ["task.action.kind=wrnch"],
            "task.action.kind must be one of wrench, twist, damping, stiffness, got",
        ),
        (["algo.network=[64,6.5]"], r"algo.network must be a list of whole numbers, got \[64,6.5\]"),
        (["algo.network=[[64]]"], r"algo.network must be a list of whole numbers, got \[\[64\]\]"),
        (["task.admittance.cutoff=low"], "task.admittance.cutoff must be a number or null, got low"),
        (["~seed"], "seed cannot be removed, only set"),
        (["~algo"], "the command needs one choice of algo"),
        (["algo=null"], "names no choice"),
        (["algo=[sac,td3]"], "the command needs one choice"),
        (["geometry=[square,L]"], "the command needs one choice of geometry"),
        (["geometry=[squar]"], "unknown geometry 'squar'; did you mean 'square'"),
        (["+algo=td3"], "this command has a choice already"),
        (["controller=reflex"], "not among the defaults of this command"),
        (["+steps=3"], r"steps exists already: write steps=3 without \+"),
        (["a@b=1"], "there is no configuration group 'a'"),
        (["steps"], "'steps' is not key=value: write steps=<value>"),
        (["steps="], "'steps=' has no value: write steps=<value>"),
        (["steps =100"], "write steps=100"),
        (["=3"], "is not key=value"),
        (["run_dir='abc"], "cannot be read"),
        (["steps=(((("], "cannot be read"),
        (["algo.network=[1"], "cannot be read"),
        (["algo.network=" + "[" * 3000], "cannot be read"),
        (["algo.network=64, 32"], r"has several values: write algo.network=\[64,32\] for a list, or add -m"),
        (["algo=sac,td3"], "has several values: add -m"),
        (["steps=choice(1,2)"], "is a sweep: add -m"),
        (["run_dir=a${b"], "run_dir must be text or null, got"),
    ],
)
def test_what_is_refused_is_told_in_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        train_config(*overrides)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("override", ["seed=${sed}", "run_dir=${oc.env:NO_SUCH_VARIABLE}"])
def test_an_interpolation_of_nothing_names_its_key(override: str) -> None:
    with pytest.raises(InputError, match=f"^{override.partition('=')[0]}: ") as error:
        train_config(override)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "overrides",
    [
        ["+geometry.parameters.foo=1"], ["experiment=hard"], ["++seed=3"], ["+evaluation={every:5}"],
        ["task={limits:{time:3}}"], ["hydra.run.dir=1_0"], ["task.compliance.mass.0=5"], ["seed='3'"],
        ["task.limits.time=3", "task=hard"], ["pictures=no"], ["+run_dir=x"], ["hydra/launcher=basic"],
    ],
)  # fmt: skip
def test_what_hydra_allows_goes_on_working(overrides: list[str]) -> None:
    composed("train", *overrides)


def test_mappings_of_a_study_grow_and_shrink() -> None:
    _register_commands()
    values = composed("benchmark", "~study.conditions.hard", "+study.thresholds.time=2")
    assert set(values.study.conditions) == {"default"}
    assert values.study.thresholds == {"success": 0.9, "time": 2.0}


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["steps=1", "steps=2"], "'steps=1' and 'steps=2' set the same"),
        (["algo=sac", "algo=td3"], "set the same"),
        (["steps=1", "++steps=1"], "set the same"),
        (["evaluation={every:1}", "evaluation.every=2"], "set the same"),
        (["~study.conditions.hard", "study.conditions.hard.task=hard"], "set the same"),
    ],
)
def test_none_of_two_overrides_is_lost_in_silence(texts: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        require_distinct(texts)
    require_distinct(["task=hard", "task.limits.time=3", "robot=iiwa", "task.robot.model=floating"])


def test_a_missing_value_is_told_with_its_remedy() -> None:
    with pytest.raises(
        InputError, match=r"vertices has no value: write geometry.parameters.vertices=\[\[0,0\]"
    ):
        train_config("geometry=polygon")
    with pytest.raises(InputError, match=r"write geometry.parameters.outlines=\[\[\[0,0\]"):
        train_config("geometry=polygons")
    with pytest.raises(InputError, match="algo.name has no value: write algo.name=<text>"):
        values = composed("train")
        values.algo.name = "???"
        require_complete(values)


def test_every_choice_of_a_sweep_is_checked() -> None:
    assert checked_overrides("train", ["algo=ppo,sac", "seed=0,1"], sweep=True)[1] == [
        "algo=ppo,sac",
        "seed=0,1",
    ]
    with pytest.raises(InputError, match="unknown key 'algo.rollout'"):
        checked_overrides("train", ["algo=ppo,sac", "algo.rollout=8"], sweep=True)
    with pytest.raises(InputError, match="unknown algo 'td4'"):
        checked_overrides("train", ["algo=sac,td4"], sweep=True)
    with pytest.raises(InputError, match="seed must be a whole number, got 'a'"):
        checked_overrides("train", ["seed=0,a"], sweep=True)


def test_values_from_python_are_of_the_declared_type(train: DictConfig) -> None:
    for key, value in (("steps", 2.5), ("pictures", 2), ("run_dir", ["a"]), ("evaluation", 3)):
        with pytest.raises(InputError, match=f"{key} must be"):
            assign(train, key, value)
