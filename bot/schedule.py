"""The times at which a task is due: cron with its time zone, an interval, or once."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from bot.errors import BotError
from bot.prompt import zone_of

LEAST_SECONDS = 10
NAMES = "jan feb mar apr may jun jul aug sep oct nov dec sun mon tue wed thu fri sat l"
FIELD = re.compile(rf"([\d*,/#?-]|{NAMES.replace(' ', '|')})+", re.IGNORECASE)
"""croniter knows more: `R` and `H` are other times whenever they are asked for."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`value` is a cron line of five fields, seconds, or an ISO date and time, by `kind`; local
    times are in `zone`.
    """

    kind: str
    value: str
    zone: str

    def check(self, now: datetime) -> datetime:
        """The first run. Raises BotError for what is no schedule, or never comes."""
        try:
            first = self.following(now, now)
        except (ValueError, OverflowError, KeyError) as error:
            hint = "cron: five fields; interval: seconds; once: 2027-01-31T09:00"
            raise BotError(
                f"{self.kind} {self.value!r} is no schedule: {error}", hint=hint
            ) from None
        if first is None:
            raise BotError(f"{self.value} is in the past", hint="name a time to come")
        return first

    def following(self, last: datetime, now: datetime) -> datetime | None:
        """The run after the one that was due at `last`, not before `now`: what was missed in
        between runs once.

        A cron job whose hour is named runs once when the clock is set back, at the first of the
        two; one that the clock jumps over runs when it has jumped.
        """
        if self.kind == "once":
            moment = datetime.fromisoformat(self.value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone_of(self.zone))
            return moment.astimezone(UTC) if moment > max(last, now) else None
        if self.kind == "interval":
            if (seconds := float(self.value)) < LEAST_SECONDS:
                raise ValueError(f"it is shorter than {LEAST_SECONDS} s")
            steps = max((now - last) // timedelta(seconds=seconds), 0) + 1
            return last + timedelta(seconds=seconds * steps)
        if self.kind != "cron":
            raise ValueError("there are cron, interval, once")
        return self._cron(max(last, now))

    def _cron(self, now: datetime) -> datetime:
        from croniter import croniter  # noqa: PLC0415  # only those who have such tasks pay for it

        fields = self.value.split()
        if len(fields) != 5 or not all(map(FIELD.fullmatch, fields)):
            raise ValueError("it needs five fields, of numbers, names and * , - / # ? L")
        zone, hourly = zone_of(self.zone), "*" in fields[1]
        start = now.astimezone(zone)
        times = croniter(self.value, start).all_next(datetime)
        moment: datetime = next(one for one in times if hourly or not one.fold)
        offset = moment.utcoffset() or timedelta()
        if hourly and offset != start.utcoffset():
            # croniter may leave out the second of a half hour that comes twice: Lord Howe Island
            times = croniter(self.value, start.astimezone(timezone(offset))).all_next(datetime)
            again = (one for one in times if one.astimezone(zone).utcoffset() == offset)
            moment = min(moment, next(again))
        return moment.astimezone(UTC)
