"""Hypothesis strategies of Dubbo URLs, for the unit tests of the codec and for its comparison with Java."""

from string import ascii_letters, digits

from hypothesis import strategies as st

from dubbo_registrar.dubbo.url import Url

HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.text(ascii_letters + digits + ".-", min_size=1, max_size=20),
)
KEYS = st.text(ascii_letters + digits + "._-$", min_size=1, max_size=12).filter(
    lambda key: key[0] not in ".-" and not key.endswith(("pid", "timestamp")) and not key.startswith("default.")
)
SERVICE_KEYS = st.sampled_from(["group", "interface", "timestamp", "version"])
VALUES = st.text(ascii_letters + digits + "._:/,*$@!~()-", min_size=1, max_size=20)
URLS = st.builds(
    Url.build,
    protocol=st.sampled_from(["dubbo", "tri", "rest", "grpc-web"]),
    host=HOSTS,
    port=st.integers(1, 65535),
    path=st.text(ascii_letters + digits + "._$/-", min_size=1, max_size=30).filter(lambda path: path[0] != "/"),
    parameters=st.dictionaries(st.one_of(KEYS, SERVICE_KEYS), VALUES, max_size=6),
)
"""Every kind of URL that can be built."""
