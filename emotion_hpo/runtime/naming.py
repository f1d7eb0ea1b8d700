"""Names that anyone gave, as names of a grammar that takes fewer letters: MLflow's, a file's.

What the grammar lacks is written as its code point between two dots, `ang&fru` as `ang.26.fru`, so
that different names stay different: the escaped one can be read back. One that is too long ends in
a digest.
"""

import hashlib
import re

#: Letters and digits of any script, `_`, `-` and spaces: what MLflow takes on every system.
LETTERS = r"\w \-"

#: What a study's name, and so its folder, may be made of.
ASCII_LETTERS = r"A-Za-z0-9_\-"


def escaped(name: str, letters: str = LETTERS, longest: int = 200) -> str:
    """Return a name made of some letters and dots alone; different names stay different.

    Args:
        name: As anyone wrote it.
        letters: What may stay, as the inside of a set of a regular expression; no dot.
        longest: More letters than this are cut, and a digest put in their place.

    >>> escaped("ang&fru"), escaped("frustrated (very)"), escaped("v1.5")
    ('ang.26.fru', 'frustrated .28.very.29.', 'v1.5')
    """
    # A dot stays, unless what follows would read as an escape.
    odd = re.compile(rf"\.(?=[0-9a-f]+(?:[^{letters}]))|[^{letters}.]")
    legal = odd.sub(lambda match: f".{ord(match[0]):x}.", name)
    if len(legal) <= longest:
        return legal
    tail = f".cut-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return legal[: longest - len(tail)] + tail
