"""The rules for messages: which are taken in, and which of them ask for an answer."""

import re
import unicodedata

from bot.groups import Group
from bot.messages import Message

RUNNING_ON = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "THAI", "LAO", "KHMER"}
RUNNING_ON |= {"MYANMAR", "TIBETAN", "JAVANESE", "YI"}
"""Scripts in which a word may follow a name, or a particle stand on it, without a space."""
JOINED = re.compile(r"[-.@/\u2010\u2011]\w")  # @Andy-bot and @andy.example are somebody else
_SEPARATORS = re.compile(
    r"[\s,:،、\uff0c\uff1a\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f]*"
)


def accepts(group: Group, message: Message) -> bool:
    """Whether a message is stored at all."""
    return not group.drop or group.trusts(message.sender_id)


def asks(group: Group, message: Message) -> bool:
    """Whether a message asks for an answer. A bot does only if the owner says so: it is one of the
    group's `senders`, or the group has the option `bots`.
    """
    if message.bot and not (message.sender_id in group.senders or group.options.get("bots")):
        return False
    return group.trusts(message.sender_id) and (
        message.direct
        or message.called
        or group.trigger is None
        or after_name(message.text, group.trigger) is not None
    )


def after_name(text: str, name: str) -> str | None:
    """What follows `name` at the beginning of a text; None if the text does not begin with it.

    Case, composed and decomposed forms, full width and invisible marks make no difference. The name
    is a word of its own.
    """
    wanted, start = _plain(name), len(text) - len(text.lstrip())
    for end in range(start + 1, min(len(text), start + 4 * len(wanted) + 8) + 1):
        if _plain(text[start:end]) == wanted and not _goes_on(text[start:end], text[end:]):
            return _SEPARATORS.sub("", text[end:], count=1)
    return None


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _visible(text)).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def _visible(text: str) -> str:
    """Without direction marks, joiners and variation selectors."""
    shown = (one for one in text if unicodedata.category(one) != "Cf")
    return "".join(one for one in shown if not "\ufe00" <= one <= "\ufe0f")


def _goes_on(name: str, rest: str) -> bool:
    """Whether the word that a name ends in goes on behind it."""
    rest = _visible(rest[:8])
    if not rest or JOINED.match(rest):
        return bool(rest)
    if unicodedata.category(rest[0]).startswith("M"):  # an accent, or a vowel sign
        return True
    if not (rest[0].isalnum() or rest[0] == "_"):
        return False
    script = _script(rest[0])
    return script not in RUNNING_ON or (script == "KATAKANA" == _script(name[-1]))


def _script(character: str) -> str:
    return unicodedata.name(character, "").split(" ")[0].split("-")[0]
