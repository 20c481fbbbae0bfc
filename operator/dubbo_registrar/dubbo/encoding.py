"""How Dubbo turns text into the name of a node and back: `java.net.URLEncoder` and `URLDecoder`, in UTF-8. Pure.

It knows nothing of URLs: what stands in the text is `url.py`.
"""

import re
from urllib.parse import quote_plus, unquote_plus

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class MalformedUrlError(ValueError):
    """A node name or a URL that Dubbo's Java consumers cannot read, or that says nothing of use to them."""


class _Escapes(dict[int, str]):
    """Code point -> what URLEncoder writes for it; filled as code points are met."""

    def __missing__(self, code: int) -> str:
        # Python leaves `~` as it is and escapes `*`; Java does the opposite.
        self[code] = quote_plus(chr(code), safe="*", errors="replace").replace("~", "%7E")
        return self[code]


_ESCAPES = _Escapes()


def encode(text: str) -> str:
    """Return what `URLEncoder.encode(text, "UTF-8")` does.

    `A-Za-z0-9.*_-` stay, a space becomes `+`, the rest `%XX`; a lone surrogate becomes an escaped `?`.
    """
    return text.translate(_ESCAPES)


def decode(name: str) -> str:
    """Return what `URLDecoder.decode(name, "UTF-8")` does: `+` becomes a space, bytes that are not UTF-8 become U+FFFD.

    Raises:
        MalformedUrlError: A `%` without two hexadecimal digits. Java throws there too, out of the consumer's watch.
    """
    if broken := _BROKEN_ESCAPE.search(name):
        msg = f"broken escape at character {broken.start()} of {name!r}"
        raise MalformedUrlError(msg)
    return unquote_plus(name, errors="replace")
