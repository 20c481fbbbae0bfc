"""`dubbo-registrar run`: the operator itself.

It reads the settings, sets the log up and runs the app; the work is the app's.
"""

import asyncio

import click

from dubbo_registrar import app, logs
from dubbo_registrar.errors import RegistrarError
from dubbo_registrar.settings import Settings


@click.command()
def run() -> None:
    """Run the operator. Its settings come from the environment (DUBBO_REGISTRAR_*)."""
    try:
        settings = Settings.from_environment()
        logs.configure(settings)
        asyncio.run(app.run(settings))
    except RegistrarError as error:
        raise click.ClickException(str(error)) from error
