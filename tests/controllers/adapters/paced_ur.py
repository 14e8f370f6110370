"""``run_ur`` whose control periods are those of ``rtde_server``, however slow the machine is.

All but the time is that of ur-rtde: connection, script, registers, measurements, commands.
"""

import socket
import struct
import sys
from time import sleep
from typing import Any

from assembly_rl.controllers.adapters import ur
from assembly_rl.examples import run_ur

PACE = 30009


class Paced:
    """Interface for commands, with other periods.

    Args:
        control: Interface of ur-rtde.
        receive: Interface of ur-rtde.
        address: Address of the server.
    """

    def __init__(self, control: Any, receive: Any, address: str) -> None:
        self._control, self._receive = control, receive
        self.periods, self._servos = 0, 0
        self._server = socket.create_connection((address, PACE))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._control, name)

    def servoL(self, *arguments: Any) -> bool:
        self._servos += 1
        return bool(self._control.servoL(*arguments))

    def initPeriod(self) -> None:
        pass

    def waitPeriod(self, start: None, /) -> None:
        self._server.sendall(struct.pack(">I", self._servos))
        (time,) = struct.unpack(">d", self._server.recv(8))
        self.periods += 1
        while self._receive.isConnected() and self._receive.getTimestamp() < time:
            sleep(0.0002)


def connect(address: str, rate: float) -> ur.UR:
    """Connect as the adapter does, and be paced from then on."""
    robot = ur.connect(address, rate)
    paced = Paced(robot.control, robot._receive, address)
    return ur.UR(paced, robot._receive, rate, lambda: paced.periods / rate)


if __name__ == "__main__":
    run_ur.connect = connect
    sys.argv[0] = "run_ur"
    run_ur.main()
