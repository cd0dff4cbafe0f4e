"""What `parcours up` has done before it serves: the login link, and the schema.

A process of its own, so that the supervisor need not load what it takes.
"""

import asyncio
import sys
import traceback

from engine.errors import ParcoursError
from engine.settings import Settings
from parcours import logs


def main() -> None:
    """Print the link at once, then wait for the database and bring it to this release."""
    settings = Settings.load()
    logs.configure(settings.log_format)
    try:
        _prepare(settings)
    except ParcoursError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - whatever it is, it is told, and `up` ends
        traceback.print_exc()
        sys.exit(1)


def _prepare(settings: Settings) -> None:
    from designer.login.links import login_link

    sys.stdout.write(f"Open {login_link(settings)}\n")
    sys.stdout.flush()

    from engine.store.migrate import upgrade
    from parcours.serve import wait_for_database

    asyncio.run(wait_for_database(settings.database_url))
    upgrade(settings.database_url)


if __name__ == "__main__":
    main()
