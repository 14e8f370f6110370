"""A UR e-Series controller on the loopback network, with the simulator's robot behind it.

It speaks what a client of ur-rtde asks for: RTDE (port 30004, Universal Robots' RTDE guide), the dashboard
(29999), and the port for scripts (30003). It does not interpret URScript: it answers in place of the control
script that ur-rtde uploads. That script takes a command number from integer register 0 and arguments from the
double registers, and reports in integer output register 0: 1 is ready, 2 is done.

If it is paced, the robot's clock stands still but for one control period for every request at a fourth port,
so that nothing depends on the speed of the machine. A request is the number of commands of ``servoL`` that
went before it: they come on another connection, maybe later.
"""

import re
import selectors
import socket
import struct
from collections.abc import Callable
from functools import cache
from threading import Thread
from time import monotonic

from fake_rtde import PERIOD, FakeController

VERSION = (5, 16, 0, 0)
TICK = 0.002
"""Period of a controller of the e-Series [s]."""
BEHIND = 0.05
"""Lateness [s] that is caught up; what is beyond it slows the robot's time."""
DASHBOARD, SCRIPTS, RTDE, PACE = 29999, 30003, 30004, 30009
STOPPED, PLAYING, PAUSED = 1, 2, 4
NORMAL, PROTECTIVE = 1 << 0, 1 << 2
READY, DONE = 1, 2
NO_COMMAND, SERVO_STOP, SERVO_L, TCP_OFFSET, STOP_SCRIPT = 0, 16, 24, 40, 255

FORMATS = {"DOUBLE": "d", "INT32": "i", "UINT32": "I", "UINT64": "Q"}
FORMATS |= {"VECTOR3D": "3d", "VECTOR6D": "6d", "VECTOR6INT32": "6i"}
TYPES = {
    "VECTOR3D": "actual_tool_accelerometer payload_cog",
    "VECTOR6INT32": "joint_mode",
    "INT32": "robot_mode safety_mode",
    "UINT32": "runtime_state robot_status_bits safety_status_bits",
    "UINT64": "actual_digital_input_bits actual_digital_output_bits",
    "DOUBLE": "timestamp actual_execution_time speed_scaling target_speed_fraction actual_momentum "
    "actual_main_voltage actual_robot_voltage actual_robot_current standard_analog_input0 "
    "standard_analog_input1 standard_analog_output0 standard_analog_output1 payload",
    "VECTOR6D": "target_q target_qd target_qdd target_current target_moment actual_q actual_qd "
    "actual_current joint_control_output actual_TCP_pose actual_TCP_speed actual_TCP_force "
    "target_TCP_pose target_TCP_speed joint_temperatures actual_joint_voltage ft_raw_wrench payload_inertia",
}
KINDS = {name: kind for kind, names in TYPES.items() for name in names.split()}


@cache
def kind_of(name: str) -> str:
    """Type of a variable of RTDE, by Universal Robots' RTDE guide."""
    register = re.fullmatch(r"(?:in|out)put_(int|double)_register_\d+", name)
    if register:
        return "INT32" if register[1] == "int" else "DOUBLE"
    return KINDS.get(name, "NOT_FOUND")


class Connection:
    """One client on one port."""

    def __init__(self, own: socket.socket, port: int) -> None:
        self.socket, self.port, self.unread = own, port, b""
        self.outputs: list[str] = []
        self.inputs: list[list[str]] = []
        self.every, self.started = TICK, False
        self.due = 0.0

    def send(self, command: str, body: bytes) -> None:
        self.socket.sendall(struct.pack(">HB", 3 + len(body), ord(command)) + body)


class RtdeServer:
    """Controller that runs in a thread between ``with`` and its end.

    Args:
        arm: Robot behind the interfaces; its commands and measurements are those of the protocol.
        address: Loopback address of its own, for the ports are fixed.
        remote: The robot is in remote control.
        failure: Number of targets after which something fails, and what: "silence", "drop",
            "protective stop", "end of script".
        paced: A client at the port ``PACE`` decides when a control period passes, not the clock.

    Attributes:
        script: Control script that was uploaded.
        asked: What was asked of the dashboard.
    """

    def __init__(
        self,
        arm: FakeController,
        address: str,
        remote: bool = True,
        failure: tuple[int, str] | None = None,
        paced: bool = False,
    ) -> None:
        self.arm, self.remote, self.failure, self.paced = arm, remote, failure, paced
        self.script, self.asked = "", list[str]()
        self._registers: dict[str, float] = {}
        self._safety, self._runtime, self._silent, self._failed = NORMAL, STOPPED, False, False
        self._busy, self._goal = False, list[float]()
        self._time, self._moved = 100.0, 100.0
        self._granted: Connection | None = None
        self._servos, self._awaited, self._fresh = 0, 0, False
        self._closing, self._errors = False, list[BaseException]()
        self._selector = selectors.DefaultSelector()
        for port in (DASHBOARD, SCRIPTS, RTDE, PACE):
            self._selector.register(socket.create_server((address, port)), selectors.EVENT_READ, port)
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "RtdeServer":
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._closing = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        if self._errors:
            raise self._errors[0]

    def _run(self) -> None:
        try:
            due = monotonic()
            while not self._closing:
                early = due - monotonic()
                if early > 0.0 and not self._granted:
                    self._listen(early)
                else:
                    due = max(due, monotonic() - BEHIND) + TICK
                    self._listen(0.0)
                    self._tick()
        except BaseException as error:  # for the thread that waits
            self._errors.append(error)

    def _listen(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, Connection):
                self._guarded(self._receive, key.data)
                continue
            connection = Connection(key.fileobj.accept()[0], key.data)  # type: ignore[union-attr]
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            if connection.port == DASHBOARD:
                connection.socket.sendall(b"Connected: Universal Robots Dashboard Server\n")

    def _guarded(self, action: Callable[[Connection], None], connection: Connection) -> None:
        """Do something with a connection; close it if the client has gone."""
        try:
            action(connection)
        except ConnectionError:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _clients(self) -> list[Connection]:
        """Connections of RTDE, dashboard and scripts."""
        kept = [key.data for key in self._selector.get_map().values()]
        return [one for one in kept if isinstance(one, Connection) and one.port != PACE]

    def _receive(self, connection: Connection) -> None:
        received = connection.socket.recv(1 << 16)
        if not received:
            self._close(connection)
        elif connection.port == PACE:
            self._granted, (self._awaited,) = connection, struct.unpack(">I", received)
        elif not self._silent:
            connection.unread += received
            {DASHBOARD: self._dashboard, SCRIPTS: self._upload, RTDE: self._rtde}[connection.port](connection)

    def _dashboard(self, connection: Connection) -> None:
        *lines, connection.unread = connection.unread.split(b"\n")
        answers = {
            "PolyscopeVersion": f"URSoftware {'.'.join(map(str, VERSION))}",
            "get serial number": "20235500000",
            "is in remote control": str(self.remote).lower(),
            "stop": "Stopped",
        }
        for line in lines:
            self.asked.append(line.decode())
            connection.socket.sendall(f"{answers[self.asked[-1]]}\n".encode())

    def _upload(self, connection: Connection) -> None:
        """Take a script, which ends with an ``end`` that is not indented."""
        if connection.unread.endswith(b"\nend\n"):
            self.script, connection.unread = connection.unread.decode(), b""
            self._runtime, self._busy = PLAYING, False
            self._registers["output_int_register_0"] = READY

    def _rtde(self, connection: Connection) -> None:
        while len(connection.unread) >= 3:
            size, command = struct.unpack_from(">HB", connection.unread)
            if len(connection.unread) < size:
                return
            body, connection.unread = connection.unread[3:size], connection.unread[size:]
            self._package(connection, chr(command), body)

    def _package(self, connection: Connection, command: str, body: bytes) -> None:
        if command == "V":
            connection.send("V", bytes([body == b"\x00\x02"]))
        elif command == "v":
            connection.send("v", struct.pack(">4I", *VERSION))
        elif command == "O":
            connection.every = 1.0 / struct.unpack_from(">d", body)[0]
            connection.outputs = body[8:].decode().rstrip(",").split(",")
            connection.send("O", b"\x01" + ",".join(map(kind_of, connection.outputs)).encode())
        elif command == "I":
            names = body.decode().rstrip(",").split(",")
            connection.inputs.append(names)
            connection.send("I", bytes([len(connection.inputs)]) + ",".join(map(kind_of, names)).encode())
        elif command in "SP":
            connection.started = command == "S"
            connection.send(command, b"\x01")
        elif command == "U":
            names = connection.inputs[body[0] - 1]
            layout = ">" + "".join(FORMATS[kind_of(name)] for name in names)
            self._registers |= dict(zip(names, struct.unpack(layout, body[1:]), strict=True))
            self._fresh = self._registers["input_int_register_0"] == SERVO_L
            self._servos += self._fresh
        else:
            raise AssertionError(f"RTDE package {command!r}")

    def _tick(self) -> None:
        """One period: the script reads its command, the robot moves, the clients are told."""
        if self.failure and len(self.arm.targets) >= self.failure[0]:
            self._fail(self.failure[1])
        if self._runtime == PLAYING and not self._silent:
            self._control_script()
        complete = self._failed or self._servos >= self._awaited
        over = False
        if not self.paced or self._granted and complete:
            self._time += TICK
            over = self._time - self._moved > PERIOD - 1e-9
            if over:
                self._moved += PERIOD
                self._move()
        for connection in self._clients():
            connection.due -= TICK
            if connection.started and not self._silent and connection.due <= 1e-9:
                connection.due += connection.every
                self._guarded(self._tell, connection)
        if self._granted and over:
            told = 0.0 if self._silent else self._time
            self._granted.socket.sendall(struct.pack(">d", told))
            self._granted = None

    def _control_script(self) -> None:
        """One turn of the loop of the control script."""
        command = int(self._registers.get("input_int_register_0", NO_COMMAND))
        if command == SERVO_L:  # read anew in every turn, and never done
            *goal, _, _, time, ahead, gain = self._arguments(11)
            if self._fresh:
                self.arm.servoL(goal, 0.0, 0.0, time, ahead, gain)
            self._goal, self._fresh, state = goal, False, READY
        elif command == NO_COMMAND:
            self._busy, state = False, READY
        elif self._busy:
            return
        else:
            self._busy, state = True, DONE
            if command == SERVO_STOP:
                self._goal = []
                self.arm.servoStop()
            elif command == TCP_OFFSET:
                values = enumerate(self.arm.getTCPOffset())
                self._registers |= {f"output_double_register_{number}": value for number, value in values}
            elif command == STOP_SCRIPT:
                self._runtime, self._goal = STOPPED, []
            else:
                raise AssertionError(f"command {command} of the control script")
        self._registers["output_int_register_0"] = state

    def _arguments(self, count: int) -> list[float]:
        return [self._registers[f"input_double_register_{number}"] for number in range(count)]

    def _move(self) -> None:
        """Move for a period of the simulator: a servo goes on to its last goal."""
        if self._goal:
            self.arm.aim(self._goal)
        self.arm.waitPeriod(self.arm.time)

    def _fail(self, what: str) -> None:
        self.failure, self._failed = None, True
        if what == "silence":
            self._silent = True
        elif what == "drop":
            for connection in self._clients():
                self._close(connection)
            for key in list(self._selector.get_map().values()):
                if not isinstance(key.data, Connection):
                    self._selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]
        elif what == "protective stop":
            self._safety, self._runtime, self._goal = PROTECTIVE, PAUSED, []
        else:
            assert what == "end of script"
            self._runtime, self._goal = STOPPED, []

    def _tell(self, connection: Connection) -> None:
        data = b"\x01"
        for name in connection.outputs:
            layout = FORMATS[kind_of(name)]
            value = self._value(name)
            values = value if isinstance(value, list) else [value] * int(layout[:-1] or 1)
            data += struct.pack(f">{layout}", *values)
        connection.send("U", data)

    def _value(self, name: str) -> float | list[float]:
        if name == "actual_TCP_pose":
            return self.arm.getActualTCPPose()
        if name == "actual_TCP_force":
            return self.arm.getActualTCPForce()
        others = {
            "timestamp": self._time,
            "runtime_state": self._runtime,
            "safety_status_bits": self._safety,
            "robot_mode": 7,  # running
            "robot_status_bits": 1 | (self._runtime == PLAYING) << 1,  # power on, program runs
        }
        return others.get(name, self._registers.get(name, 0))
