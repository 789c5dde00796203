"""What the assistant says when it cannot go on."""


class BotError(Exception):
    """`message` says what happened and where; `hint` says what to do next, as an imperative."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __repr__(self) -> str:
        return f"{self.message}; {self.hint}".removesuffix("; ")


class Misconfigured(BotError, ValueError):
    """The owner has to change a setting; trying again does not help."""


class Running(BotError):
    """Another process is the bot of this store."""


class Undeliverable(BotError):
    """This message can never reach this chat; others may. The outbox keeps it with the reason."""
