"""Which day it is: China's, wherever the computer stands and whatever its clock is set to.

Plans, duties and keys count by the day. A container's clock is usually UTC, whose day begins eight
hours after China's; a plan must come into force at midnight where its grids are.
"""

from datetime import UTC, date, datetime, timedelta, timezone

#: All of China has one time, without summer time since 1992: no database of time zones is needed.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def today_in_china() -> date:
    """Return the day that it is in China: the day that counts wherever none is named.

    Examples
    --------
    >>> today_in_china() - datetime.now(CHINA).date()
    datetime.timedelta(0)
    """
    return china_day(datetime.now(UTC))


def china_day(moment: datetime) -> date:
    """Return the day on which a moment with a time zone lies in China.

    Examples
    --------
    >>> china_day(datetime(2026, 11, 28, 16, tzinfo=UTC))
    datetime.date(2026, 11, 29)
    """
    return moment.astimezone(CHINA).date()
