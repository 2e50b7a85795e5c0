"""What leaves the machine: a letter through the deployment's mail server, a message to a web address."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import unquote, urlsplit

from gnomon.config import Settings

TIMEOUT = 10.0
"""Seconds."""


class NotSent(Exception):
    """A message that did not arrive, and why."""


def post(address: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Post once. Redirects are not followed: a signed message goes where somebody wrote down that it goes.

    Raises `NotSent` when nobody answers, or with anything but success.
    """
    parts = urlsplit(address)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            connection.request("POST", path, body, {**headers, "user-agent": "gnomon"})
            answer = connection.getresponse()
            answer.read(4096)
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise NotSent(_why(error)) from error
    if not 200 <= answer.status < 300:
        raise NotSent(f"HTTP {answer.status}")


def mail(settings: Settings, to: str, subject: str, text: str, number: str) -> None:
    """Send one letter; `number` names it for ever, so that a letter that is sent twice is known as one.

    Raises `NotSent`, also when there is no mail server (`GNOMON_SMTP`).
    """
    if not settings.smtp:
        raise NotSent("GNOMON_SMTP is not set")
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = settings.mail_from, to, " ".join(subject.split())[:200]
    letter["Message-ID"] = f"<{number}@gnomon>"
    letter.set_content(text)
    parts, context = urlsplit(settings.smtp), ssl.create_default_context()
    host, encrypted = parts.hostname or "localhost", parts.scheme == "smtps"
    try:
        if encrypted:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
        with server:
            if parts.username:
                # Never over an open line.
                if not encrypted:
                    server.starttls(context=context)
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(letter)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise NotSent(_why(error)) from error


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
