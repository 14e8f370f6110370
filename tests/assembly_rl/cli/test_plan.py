from collections.abc import Callable

import pytest
from command_line import Run


def test_a_plan_is_a_table_with_what_is_fastest_here(command: Run) -> None:
    shown = command(
        "plan", "networks=[[32,32],[256,256]]", "batches=[64,512]", "environments=[1]", "algo=td3",
        "algo.asymmetric=true", "algo.symmetric=true", "algo.overlapped=true", "verbose=true",
    )  # fmt: skip
    rows = [line for line in shown.splitlines() if " min " in line]
    assert len(rows) == 2 * 2 * 3  # networks, batches, devices
    assert sum("H100 *" in row for row in rows) == sum("Ascend 910B *" in row for row in rows) == 4
    assert all(row.rstrip().endswith("%") for row in rows)
    assert "To choose here: CPU (one thread), 32-32, batch 64, 1 environment" in shown


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("environments=[]", "environments must be one or more numbers >= 1"),
        ("environments=[0]", "environments must be one or more numbers >= 1"),
        ("profile=[h10]", "h100"),
        ("batches=[0]", "batch_size"),
        ("networks=[[]]", "network"),
    ],
)
def test_bad_input(refused: Callable[..., str], override: str, told: str) -> None:
    assert told in refused("plan", override)
