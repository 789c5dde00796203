"""The link of this device with a WhatsApp account: how it is made, and with whom it is."""

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any


def linked(session: Path) -> str | None:
    """The number of the account that this device is linked with, by what whatsmeow keeps."""
    try:
        with closing(sqlite3.connect(f"{session.absolute().as_uri()}?mode=ro", uri=True)) as db:
            devices = db.execute("SELECT jid FROM whatsmeow_device").fetchall()
    except sqlite3.Error:  # nothing is there yet
        return None
    return re.split("[.:@]", devices[0][0])[0] if devices else None


async def show(client: Any, data: bytes, phone: str, picture: Path) -> None:
    """How to link this device: a code to type if a phone number is set, else a QR code, here and as
    a picture.
    """
    import segno  # noqa: PLC0415

    if phone:
        code = await client.PairPhone(phone, show_push_notification=True)
        sys.stderr.write(f"WhatsApp on {phone}: linked devices, link with phone number: {code}\n")
        return
    picture.touch(0o600)  # noqa: ASYNC240  # nothing else runs while a device is linked
    qr = segno.make_qr(data)
    qr.save(str(picture), scale=8)
    qr.terminal(sys.stderr, compact=True)
    sys.stderr.write(f"WhatsApp: linked devices, link a device, scan this (also in {picture})\n")
