"""`python -m dubbo_registrar`: the same as the command `dubbo-registrar`."""

from dubbo_registrar.cli import main

if __name__ == "__main__":
    main(prog_name="dubbo-registrar")
