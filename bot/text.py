"""Text that can be written down."""


def mended(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which nothing can encode; two halves
    in order become their character.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
