"""Credentials in text: found, and hidden before the text is shown, logged or stored."""

from __future__ import annotations

import os
import re

HIDDEN = "***"

_USER = re.compile(r"(?<=://)[^/\s@?#'\"]*:[^/\s@?#'\"]+(?=@)")
"""user:password@ in a URL."""
_IN_QUERY = re.compile(
    r"(?<=[?&;])((?:x-amz-|x-goog-)?(?:signature|credential|security-token)|sig|awsaccesskeyid|googleaccessid"
    r"|(?:access|auth|api|refresh)?[_-]?(?:token|key|secret|password))=[^&;\s'\"]+",
    re.IGNORECASE,
)
"""What signs or opens a URL."""
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|x-amz-security-token|cookie)(['\"]?\s*[:=]\s*b?['\"]?)[^'\"\r\n]+", re.IGNORECASE
)
_OPTION = re.compile(r"(-*\w*(?:secret|passw|token)\w*['\"]?\s*[=:]\s*['\"]?)[^\s'\",;})]+", re.IGNORECASE)
_SECRET_NAMES = re.compile(r"SECRET|TOKEN|PASSW|ACCOUNT_KEY|CONNECTION_STRING|API_KEY")
_SHORTEST = 6
"""Characters of a value of the environment that is taken for a secret: shorter ones occur in any text."""


def has_secret(url: str) -> bool:
    """Whether a URL carries a password, a token or a signature.

    >>> has_secret("https://me:pass@host/a.wav"), has_secret("https://host/a.wav?X-Amz-Signature=0a"), has_secret("s3://b/a")
    (True, True, False)
    """
    return bool(_USER.search(url) or ("://" in url and _IN_QUERY.search(url)))


def without_secrets(text: str) -> str:
    """Return text without passwords, tokens, signatures, and without the secrets of this process's environment.

    >>> without_secrets("ftp://me:pass@host/a.wav?sig=1&b=2 Authorization: AWS4 key/signature")
    'ftp://***@host/a.wav?sig=***&b=2 Authorization: ***'
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET_NAMES.search(name.upper()):
            text = text.replace(value, HIDDEN)
    text = _USER.sub(HIDDEN, text)
    text = _IN_QUERY.sub(rf"\1={HIDDEN}", text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    return _OPTION.sub(rf"\1{HIDDEN}", text)
