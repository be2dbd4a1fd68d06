"""The proxy of one attempt, in a thread of its own: from the program's start to its end, and no longer.

Whatever a client sends, the driver goes on: each connection is served by itself, in
bounded memory, and the thread holds nothing that the driver waits for without a limit.

Invariants, each with a test in tests/unit/executors/test_proxy.py:
    - after ``close`` no connection is open and nothing listens;
    - what a program had sent when it ended still arrives, for ``FLUSH_S`` at most;
    - beyond ``CONNECTIONS_MAX`` clients wait in the kernel's queue.
"""

import asyncio
import contextlib
import socket
import threading
from concurrent.futures import CancelledError, Future

from babysitter.executors.sandbox.egress.connection import Connection
from babysitter.executors.sandbox.egress.entrance import not_started, take_door
from babysitter.executors.sandbox.egress.names import NameResolver
from babysitter.executors.sandbox.egress.reach import Patience, Reach
from babysitter.executors.sandbox.egress.tally import Tally
from babysitter.model.network import NetworkGrant

CONNECTIONS_MAX = 64
FLUSH_S = 2.0
_SWEEP_S = 5.0
_ACCEPT_PAUSE_S = 0.1


class Proxy:
    """Serves what arrives at the door that comes over ``control``, which it closes.

    tally: what happened; complete after ``close``.
    failed: why the program was not started after all; None when it was.
    """

    def __init__(
        self,
        control: socket.socket,
        network: NetworkGrant,
        names: NameResolver,
        patience: Patience | None = None,
    ) -> None:
        self.tally = Tally()
        self.failed: str | None = None
        self._control = control
        self._network = network
        self._names = names
        self._patience = patience or Patience()
        self._flush = True
        self._stopping: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._thread = threading.Thread(target=self._run, name="egress-proxy", daemon=True)

    def start(self) -> None:
        """Begin to wait for the door."""
        self._thread.start()

    def close(self, *, flush: bool = True) -> None:
        """End it. ``flush``: let what the program had sent arrive first."""
        self._flush = flush
        # It may have ended by itself: a program that never opened its door has no connections.
        with contextlib.suppress(RuntimeError, CancelledError):
            loop, stop = self._stopping.result()
            loop.call_soon_threadsafe(stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as defect:  # noqa: BLE001 (a thread's last boundary: the task's end tells it)
            self._note_defect(defect)
        finally:
            # Where there was never a loop, nobody may wait for it.
            self._stopping.cancel()

    async def _main(self) -> None:
        stop = asyncio.Event()
        self._stopping.set_result((asyncio.get_running_loop(), stop))
        door: socket.socket | None = None
        serving: asyncio.Task[None] | None = None
        try:
            door = await self._door(stop)
            if door is not None:
                serving = asyncio.create_task(self._serve(door))
                await stop.wait()
                self.failed = not_started(self._control)
        finally:
            if serving is not None:
                serving.cancel()
                await asyncio.wait({serving})
                self._note_defect_of(serving)
            if door is not None:
                door.close()
            self._control.close()
            await self._end_connections()

    async def _door(self, stop: asyncio.Event) -> socket.socket | None:
        """Wait for the door, or for the end of whoever could send it."""
        waits = {asyncio.create_task(_readable(self._control)), asyncio.create_task(stop.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)
        try:
            return take_door(self._control)
        except OSError:
            return None

    async def _serve(self, door: socket.socket) -> None:
        reach = Reach(self._network, self._names, self._patience)
        room = asyncio.Semaphore(CONNECTIONS_MAX)
        sweeping = asyncio.create_task(self._sweep())

        def ended(task: asyncio.Task[None]) -> None:
            # Here and not there: a task that was cancelled before its first step closes nothing.
            self._connections.pop(task).client.close()
            room.release()
            self._note_defect_of(task)

        try:
            while True:
                await room.acquire()
                try:
                    await _readable(door)
                    # At once, not as a task: a client that was accepted is never lost to a cancellation.
                    client, _ = door.accept()
                except OSError:
                    # No descriptors left, or a client that is gone already: neither is the end.
                    room.release()
                    await asyncio.sleep(_ACCEPT_PAUSE_S)
                    continue
                client.settimeout(0)
                connection = Connection(client, reach, self.tally, self._patience)
                task = asyncio.create_task(connection.serve())
                self._connections[task] = connection
                task.add_done_callback(ended)
        finally:
            sweeping.cancel()

    def _note_defect_of(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (defect := task.exception()) is not None:
            self._note_defect(defect)

    def _note_defect(self, defect: BaseException) -> None:
        """Journal a bug of ours as what it did to the task: it ends a connection, and not the driver."""
        self.tally.deny("network.defect", type(defect).__name__)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP_S, self._patience.idle_s))
            for task, connection in list(self._connections.items()):
                if connection.is_idle():
                    task.cancel()

    async def _end_connections(self) -> None:
        sending = {each.sending for each in self._connections.values() if each.sending is not None}
        if self._flush and sending:
            # Nobody is left in the sandbox, so each of these comes to its end as soon as it is through.
            await asyncio.wait(sending, timeout=FLUSH_S)
        tasks = set(self._connections)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _readable(source: socket.socket) -> None:
    """Return when there is something to take."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(source, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(source)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
