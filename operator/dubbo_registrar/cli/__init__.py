"""The command line: `dubbo-registrar run`. Each command is a module of its own; this one only names them."""

import click

from dubbo_registrar import __version__
from dubbo_registrar.cli.run import run


@click.group()
@click.version_option(__version__, prog_name="dubbo-registrar")
def main() -> None:
    """Register Kubernetes pods as Dubbo providers in ZooKeeper."""


main.add_command(run)
