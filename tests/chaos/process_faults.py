"""Faults at processes: workers, Kafka, PostgreSQL and its sessions."""

import os
import random
import signal
import subprocess
import time
from typing import Final

from embedded.server import EmbeddedServer
from tests.chaos.installation import NotPossible, retry
from tests.chaos.plans import Plan
from tests.chaos.world import Causing, NotProven, World

EXIT_S: Final = 20.0
SESSIONS: Final = "SELECT pid FROM pg_stat_activity WHERE usename = 'anden_ingest' ORDER BY pid"


def worker_killed(world: World, _plan: Plan, chance: random.Random) -> Causing:
    """SIGKILL of a worker."""
    worker = world.workers.choose(chance)
    worker.kill()
    yield
    _expect(worker, {-signal.SIGKILL})


def worker_terminated(world: World, _plan: Plan, chance: random.Random) -> Causing:
    """SIGTERM of a worker: it leaves, at the latest without its open batch."""
    worker = world.workers.choose(chance)
    worker.terminate()
    yield
    _expect(worker, {0, 1, -signal.SIGTERM})


def worker_frozen(world: World, _plan: Plan, chance: random.Random) -> Causing:
    """SIGSTOP, then SIGCONT of a worker."""
    worker = world.workers.choose(chance)
    worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGCONT)
        world.workers.give_back(worker)


def all_workers_killed(world: World, _plan: Plan, chance: random.Random) -> Causing:
    """SIGKILL of every worker at once."""
    workers = [world.workers.choose(chance)]
    while True:
        try:
            workers.append(world.workers.choose(chance))
        except NotPossible:
            break
    for worker in workers:
        worker.kill()
    yield
    for worker in workers:
        _expect(worker, {-signal.SIGKILL})


def worker_added(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """One more worker comes and goes, which rebalances the group twice."""
    world.workers.scale(+1)
    try:
        yield
    finally:
        world.workers.scale(-1)


def kafka_killed(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """SIGKILL of Kafka, and a start."""
    return _server_killed(world, world.installation.kafka)


def kafka_restarted(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """A clean stop of Kafka, and a start."""
    return _server_restarted(world, world.installation.kafka)


def kafka_frozen(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """SIGSTOP, then SIGCONT of Kafka."""
    kafka = world.installation.kafka
    kafka.pause()
    try:
        yield
    finally:
        kafka.resume()


def postgres_killed(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """SIGKILL of PostgreSQL, and a start with crash recovery."""
    return _server_killed(world, world.installation.postgres)


def postgres_restarted(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """A fast shutdown of PostgreSQL, and a start."""
    return _server_restarted(world, world.installation.postgres)


def _server_killed(world: World, server: EmbeddedServer) -> Causing:
    server.kill()
    if server.running:
        raise NotProven(f"{server.name} is running")
    try:
        yield
    finally:
        world.installation.start_server(server.start)


def _server_restarted(world: World, server: EmbeddedServer) -> Causing:
    server.stop()
    try:
        yield
    finally:
        world.installation.start_server(server.start)


def session_killed(world: World, _plan: Plan, chance: random.Random) -> Causing:
    """SIGKILL of the backend of a worker's session: PostgreSQL ends all sessions and recovers."""
    pid = _session(world, chance)
    os.kill(pid, signal.SIGKILL)
    yield
    retry(lambda: world.installation.query("SELECT 1"))
    if (pid,) in world.installation.query(SESSIONS):
        raise NotProven(f"the backend {pid} is alive")


def session_terminated(world: World, _plan: Plan, chance: random.Random) -> Causing:
    """`pg_terminate_backend` of a worker's session."""
    pid = _session(world, chance)
    if not world.installation.query("SELECT pg_terminate_backend(%s, 5000)", (pid,))[0][0]:
        raise NotProven(f"the backend {pid} did not end")
    yield


def session_frozen(world: World, _plan: Plan, chance: random.Random) -> Causing:
    """SIGSTOP, then SIGCONT of the backend of a worker's session: a server that does not answer."""
    pid = _session(world, chance)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError as error:
            raise NotProven(f"the backend {pid} ended while it was frozen") from error


def _session(world: World, chance: random.Random) -> int:
    world.until(lambda: bool(world.installation.query(SESSIONS)), "session", for_s=EXIT_S, error=NotPossible)
    sessions = world.installation.query(SESSIONS)
    if not sessions:
        raise NotPossible("the worker's session has ended")
    return int(chance.choice(sessions)[0])


def _expect(worker: "subprocess.Popen[bytes]", codes: set[int]) -> None:
    """Raise NotProven unless the worker has exited with one of these codes."""
    deadline_s = time.monotonic() + EXIT_S
    while worker.poll() is None:
        if time.monotonic() > deadline_s:
            raise NotProven(f"the worker {worker.pid} has not exited")
        time.sleep(0.05)
    if worker.returncode not in codes:
        raise NotProven(f"the worker exited with {worker.returncode}")
