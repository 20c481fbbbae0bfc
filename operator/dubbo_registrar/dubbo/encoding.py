"""How Dubbo turns text into the name of a node and back: `java.net.URLEncoder` and `URLDecoder`, in UTF-8. Pure.

It knows nothing of URLs: what stands in the text is `url.py`.
"""

import re
from urllib.parse import quote_plus, unquote_plus

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class MalformedUrlError(ValueError):
    """A node name or a URL that Dubbo's Java consumers cannot read, or that says nothing of use to them."""


# Printable ASCII that does not stay as it is: `%` before all that become one, `+` before the space that becomes it.
_ESCAPES = {char: f"%{ord(char):02X}" for char in "%+!\"#$&'(),/:;<=>?@[\\]^`{|}~"} | {" ": "+"}


def encode(text: str) -> str:
    """Return what `URLEncoder.encode(text, "UTF-8")` does.

    `A-Za-z0-9.*_-` stay, a space becomes `+`, the rest `%XX`; a lone surrogate becomes an escaped `?`.
    """
    if text.isascii() and text.isprintable():
        # Half the time of one pass over the characters: most escapes do not occur, and a vain search costs little.
        for char, escape in _ESCAPES.items():
            text = text.replace(char, escape)
        return text
    # Python leaves `~` as it is and escapes `*`; Java does the opposite.
    return quote_plus(text, safe="*", errors="replace").replace("~", "%7E")


def decode(name: str) -> str:
    """Return what `URLDecoder.decode(name, "UTF-8")` does: `+` becomes a space, bytes that are not UTF-8 become U+FFFD.

    Raises:
        MalformedUrlError: A `%` without two hexadecimal digits. Java throws there too, out of the consumer's watch.
    """
    if broken := _BROKEN_ESCAPE.search(name):
        raise MalformedUrlError(f"broken escape at character {broken.start()} of {name!r}")
    return unquote_plus(name, errors="replace")
