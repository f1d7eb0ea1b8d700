"""Servers that the tests start on free ports and stop again."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.needed import need

#: The password in every URL of these tests; it may stand in no file and on no screen.
PASSWORD = "s3cret-Passw0rd"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition, seconds: float = 60, what: str = "what was waited for") -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody answers on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _postgres_programs() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = folders[-1] if folders else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Postgres:
    """A PostgreSQL server of one's own; it refuses to run as root, so it does not."""

    def __init__(self, folder: Path, *options: str) -> None:
        programs = _postgres_programs()
        need("postgresql", programs)
        assert programs is not None
        self.folder, self.port = folder, free_port()
        self._programs, self._options = programs, options
        self._as_user = []
        if os.getuid() == 0:
            need("setpriv", shutil.which("setpriv"))
            self._as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        folder.mkdir()
        folder.chmod(0o700)
        secret = folder.parent / f"{folder.name}.password"
        secret.write_text(PASSWORD)
        if self._as_user:
            shutil.chown(folder, "nobody", "nogroup")
            shutil.chown(secret, "nobody", "nogroup")
        self._call(
            [programs / "initdb", "-D", folder, "-U", "me", "-A", "scram-sha-256", "--no-sync"],
            [f"--pwfile={secret}"],
        )
        secret.unlink()
        self.start()
        self._ask("CREATE DATABASE hpo")

    @property
    def url(self) -> str:
        """With the password."""
        return f"postgresql://me:{PASSWORD}@127.0.0.1:{self.port}/hpo"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"-p {self.port}", "-c listen_addresses=127.0.0.1", "-c fsync=off"]
        options += [f"-c unix_socket_directories={self.folder}", *self._options]
        log = self.folder / "log"
        call = [self._programs / "pg_ctl", "-D", self.folder, "-l", log, "-o", " ".join(options)]
        self._call(call, ["-w", "start"])

    def stop(self) -> None:
        """Cut every connection and stop."""
        self._call([self._programs / "pg_ctl", "-D", self.folder, "-m", "immediate", "-w", "stop"])

    def _call(self, command: list, more: list = ()) -> None:
        said = self.folder.parent / f"{self.folder.name}.said"  # a pipe would be held by the server
        with said.open("w+") as output:
            ended = subprocess.run(
                [*self._as_user, *map(str, [*command, *more])],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                check=False,
            )
        assert ended.returncode == 0, f"{command}: {ended.returncode}\n{said.read_text()}"

    def _ask(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url.replace("/hpo", "/postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def drop(self) -> None:
        """Take the study of an earlier test away."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")


class Server:
    """A process that listens on a port."""

    def __init__(self, command: list[str], port: int, **options: object) -> None:
        self.port = port
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **options,
        )

    def wait(self, seconds: float = 60) -> None:
        """Wait until it answers."""
        until(lambda: listens(self.port) or self.process.poll() is not None, seconds, "a server")
        assert self.process.poll() is None, "the server ended"

    def kill(self) -> None:
        """End it and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
