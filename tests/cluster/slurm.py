"""A SLURM of two nodes on this machine: its controller and daemons, on free ports."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.cluster.servers import free_port, until
from tests.needed import need, need_root

_CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2
KillWait=10
{nodes}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """`slurmctld`, two `slurmd` and `munged`; all of it as root, as SLURM demands."""

    def __init__(self, folder: Path) -> None:
        for program in ("munged", "slurmctld", "slurmd", "sbatch"):
            need(program, shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"))
        need_root("SLURM's daemons")
        self.folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._processes: list[subprocess.Popen] = []
        for name in ("state", "spool-n1", "spool-n2"):
            (folder / name).mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        nodes = [
            f"NodeName=n{i} NodeAddr=127.0.0.1 NodeHostname={host} Port={free_port()} CPUs=1 "
            "RealMemory=1000"
            for i in (1, 2)
        ]
        text = _CONFIG.format(host=host, port=free_port(), folder=folder, nodes="\n".join(nodes))
        (folder / "slurm.conf").write_text(text)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        munge = ["--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket"]
        munge += [f"--{kind}-file={folder}/munge.{kind}" for kind in ("pid", "log", "seed")]
        self._run("munged", *munge)
        until((folder / "munge.socket").exists, 20, "munged")
        self._run("slurmctld", "-D")
        for name in ("n1", "n2"):
            self._run("slurmd", "-D", "-N", name)
        until(lambda: self.call("sinfo", "-h", "-o", "%D %t").strip() == "2 idle", 60, "SLURM")

    def call(self, *command: str) -> str:
        """What one of SLURM's commands prints."""
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self.environment},
        )
        return ended.stdout

    def jobs(self) -> dict[str, str]:
        """Id of an array's task → state."""
        lines = self.call("squeue", "-r", "-h", "-t", "all", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)

    def _run(self, program: str, *arguments: str) -> None:
        path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
        log = (self.folder / f"{program}.out").open("ab")
        self._processes.append(
            subprocess.Popen(
                [path, *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        )
        log.close()

    def stop(self) -> None:
        """Cancel all jobs and end the daemons."""
        self.call("scancel", "--user=root")
        until(lambda: not {"RUNNING", "PENDING", "COMPLETING"} & {*self.jobs().values()}, 30)
        for one in reversed(self._processes):
            one.terminate()
        for one in self._processes:
            one.wait(timeout=20)
