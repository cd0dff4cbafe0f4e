"""What an operator can set: the environment or `.env`, prefix `PARCOURS_`.

Nothing else in the product reads the environment.
"""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict

from engine.errors import InvalidInput
from engine.providers import PREFIX, ProviderSettings, WebAddress
from engine.run.links import Links

SECRETS = f"{PREFIX}SECRET_"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(ProviderSettings):
    """Every setting, validated; `load` reads them from where they come."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: str = ""
    """Empty: the embedded PostgreSQL in `data_dir`."""
    data_dir: Path = Path("data")

    temporal_address: str = ""
    """Empty: the embedded Temporal in `data_dir`."""
    temporal_namespace: str = "default"
    temporal_api_key: SecretStr = SecretStr("")
    temporal_tls_cert: Path | None = None
    temporal_tls_key: Path | None = None
    temporal_tls_ca: Path | None = None

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: WebAddress = ""
    """Where browsers reach the pages; empty: derived from host and port."""
    secret_key: SecretStr = SecretStr("")
    """Signs links and sessions; empty: generated into `data_dir`."""
    former_secret_key: SecretStr = SecretStr("")
    """The one that was changed: links in messages that it signed still hold."""
    allow_private_addresses: bool = False  # may outgoing calls reach this machine and its network?
    log_format: Literal["console", "json"] = "console"
    activities: Path | None = None
    """A folder with Python files in which developers have written activities."""

    @field_validator("data_dir", "activities")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: str) -> str:
        if not value:
            return value
        scheme, found, rest = value.partition("://")
        if not found or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("must begin with postgresql://")
        # Without a driver SQLAlchemy would look for psycopg2.
        return f"postgresql+psycopg://{rest}"

    @field_validator("temporal_address")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if not value:
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError("must be HOST:PORT, such as temporal.internal:7233")
        return value

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the settings; what is `given` wins over the environment.

        Raises:
            InvalidInput: a setting is wrong; its sentence names the variable.
        """
        try:
            settings = cls(**given)
        except ValidationError as error:
            raise InvalidInput("\n".join(_sentences(error))) from None
        settings._check_together()
        return settings

    def _check_together(self) -> None:
        if missing := list(self.missing()):
            raise InvalidInput("\n".join(missing))
        if (self.temporal_tls_cert is None) != (self.temporal_tls_key is None):
            raise InvalidInput(
                f"{PREFIX}TEMPORAL_TLS_CERT and {PREFIX}TEMPORAL_TLS_KEY go together: "
                "give both or neither."
            )
        if self.activities is not None and not self.activities.is_dir():
            raise InvalidInput(
                f"{PREFIX}ACTIVITIES names a folder that is not there: {self.activities}."
            )
        tls = {
            "temporal_tls_cert": self.temporal_tls_cert,
            "temporal_tls_key": self.temporal_tls_key,
            "temporal_tls_ca": self.temporal_tls_ca,
        }
        for name, path in (*tls.items(), *self.files()):
            if path is not None and not path.is_file():
                raise InvalidInput(
                    f"{PREFIX}{name.upper()} names a file that is not there: {path}."
                )

    @property
    def url(self) -> str:
        """Where browsers reach the pages, without a slash at the end."""
        if self.public_url:
            return self.public_url
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the pages."""
        return self.host in LOOPBACK

    def signing_key(self) -> str:
        """The secret key: as set, else the one in `data_dir`, made on first use."""
        if self.secret_key:
            return self.secret_key.get_secret_value()
        return _kept_secret(self.data_dir / "secret_key")

    def link_keys(self) -> tuple[str, ...]:
        """The keys of links in messages: the last one signs, all of them are accepted."""
        before = self.former_secret_key.get_secret_value()
        return (before, self.signing_key()) if before else (self.signing_key(),)

    def links(self) -> Links:
        """What makes and reads the links in messages."""
        return Links(base=self.url, keys=self.link_keys())


def _sentences(error: ValidationError) -> list[str]:
    sentences = []
    for detail in error.errors(include_url=False, include_input=False):
        name = PREFIX + "_".join(str(part) for part in detail["loc"]).upper()
        message = detail["msg"].removeprefix("Value error, ").removesuffix(".")
        sentences.append(f"{name}: {message[:1].lower()}{message[1:]}.")
    return sentences


def _kept_secret(path: Path) -> str:
    """Read the secret in `path`, or put a new one there, whoever else does the same."""
    try:
        if secret := path.read_text(encoding="ascii").strip():
            return secret
        raise InvalidInput(f"{path} is empty: remove it, or set {PREFIX}SECRET_KEY.")
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written whole under another name (mode 600 from the start), then linked: a reader
    # never sees half a secret, and of two writers one wins.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secret_key-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


def own_secrets() -> dict[str, str]:
    """Return the secrets that an operator set for the shop's calls, by name: `PARCOURS_SECRET_…`.

    What signs our own links, `PARCOURS_SECRET_KEY`, is none of them.
    """
    given = {**dotenv_values(".env"), **os.environ}
    return {
        name.removeprefix(SECRETS): value
        for name, value in given.items()
        if name.startswith(SECRETS) and name != f"{SECRETS}KEY" and value
    }
