"""How many examples the laws are tried with: enough to catch a mistake, few enough to be run at every change."""

from hypothesis import settings

settings.register_profile("ci", settings.get_profile("ci"), max_examples=25)
