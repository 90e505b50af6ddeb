"""One message goes out once: by a signed POST, or by mail. How that ended is said, not raised."""

import hashlib
import hmac
import ipaddress
import smtplib
import socket
import ssl
from email.message import EmailMessage
from typing import Literal
from urllib.parse import urlsplit

from desk.notifying.messages import Message
from labcrew.domain.background import NotifySettings

Outcome = Literal["sent", "refused", "unknown", "never"]
"""refused: certainly not taken, worth another try; unknown: it may have been taken; never: no try
will help."""

_METADATA = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32", "192.0.0.192/32")
_NETWORKS = tuple(ipaddress.ip_network(each) for each in _METADATA)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the receiver computes too: HMAC-SHA256 over `timestamp.body`."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def forbidden(host: str, port: int, allowed: tuple[str, ...]) -> str:
    """Why a host is not spoken to: it has an address where machines keep their own secrets."""
    if host in allowed:
        return ""
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        plain = getattr(ip, "ipv4_mapped", None) or ip
        if any(plain in network for network in _NETWORKS if network.version == plain.version):
            return f"{host} is {plain}, a link-local or metadata address; see notify.allowed_hosts"
    return ""


def post(
    message: Message, settings: NotifySettings, secret: str, timestamp: str
) -> tuple[Outcome, str]:
    """Sends the webhook; answers how it ended, and why in words that hold no address.

    Args:
        secret: signs.
        timestamp: Unix time in seconds; the receiver refuses old ones.
    """
    import httpx2

    assert settings.webhook is not None
    address = settings.webhook.get_secret_value()
    body = message.model_dump_json().encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "labcrew",
        "Labcrew-Delivery": message.id,
        "Labcrew-Timestamp": timestamp,
        "Labcrew-Signature": signature(secret, timestamp, body),
    }
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if why := forbidden(host, port, settings.allowed_hosts):
            return "never", why
        with httpx2.Client(
            timeout=settings.timeout_s, follow_redirects=False, trust_env=True
        ) as client:
            status = client.post(address, content=body, headers=headers).status_code
    except (httpx2.ConnectError, httpx2.ConnectTimeout, OSError) as error:
        return "refused", f"no connection ({type(error).__name__})"
    except httpx2.HTTPError as error:
        return "unknown", f"no answer ({type(error).__name__})"
    except (httpx2.InvalidURL, ValueError):
        return "never", "notify.webhook is no address that can be reached"
    if 200 <= status < 300:
        return "sent", str(status)
    if 300 <= status < 400:
        return "never", f"{status}: it leads to another address, which is not followed"
    again = status in (408, 425, 429) or status >= 500
    return ("refused" if again else "never"), f"answered {status}"


def mail(message: Message, settings: NotifySettings, password: str) -> tuple[Outcome, str]:
    """Sends an e-mail; answers how it ended."""
    begun = False
    try:
        letter = _letter(message, settings)
        if why := forbidden(settings.mail_host, settings.mail_port, settings.allowed_hosts):
            return "never", why
        with _server(settings) as server:
            if settings.mail_user:
                server.login(settings.mail_user, password)
            begun = True
            server.send_message(letter)
    except smtplib.SMTPAuthenticationError:
        return "never", "the mail server refuses user or password"
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused):
        return "never", "the mail server refuses sender or recipient"
    except smtplib.SMTPResponseException as error:
        return ("refused" if 400 <= error.smtp_code < 500 else "never"), f"{error.smtp_code}"
    except (smtplib.SMTPException, OSError) as error:
        return ("unknown" if begun else "refused"), type(error).__name__
    except ValueError:
        return "never", "notify.mail_host or an address of [notify] can't be spelt"
    return "sent", ""


def _letter(message: Message, settings: NotifySettings) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = f"[labcrew] {message.ticket} {message.text}"[:150]
    letter["From"], letter["To"] = settings.mail_from, ", ".join(settings.mail_to)
    letter["Message-ID"] = f"<{message.id}@labcrew>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(f"{message.title}\n\n{message.text}\n\n{message.at}\n")
    return letter


def _server(settings: NotifySettings) -> smtplib.SMTP:
    where = (settings.mail_host, settings.mail_port)
    if settings.mail_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(*where, timeout=settings.timeout_s, context=context)
    server = smtplib.SMTP(*where, timeout=settings.timeout_s)
    if settings.mail_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server
