"""Credentials in text: found, and hidden before the text is shown, logged or stored."""

from __future__ import annotations

import os
import re

HIDDEN = "***"

_USER = re.compile(r"(?<=://)[^/\s@?#'\"]*:(?!\d+(?:/|$))[^\s?#'\"]+(?=@)")
"""user:password@ in a URL, up to its last @: a password may hold "/" and "@"."""
_TOKEN_USER = re.compile(r"(?:(?<=http://)|(?<=https://))[^/\s@?#'\"]+(?=@)")
"""token@ in a URL of the web."""
_IN_QUERY = re.compile(
    r"(?<=[?&;#])([\w-]*(?:token|secret|signature|credential|password|passwd)|pwd|jwt|sig|auth|policy|awsaccesskeyid"
    r"|googleaccessid|(?:[\w-]*(?:access|account|api|auth|client|private|refresh|secret|subscription)[_-]?)?key)=[^&;#\s'\"]+",
    re.IGNORECASE,
)
"""What signs or opens a URL."""
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|x-amz-security-token|cookie)(['\"]?\s*[:=]\s*(?:b(?=['\"]))?['\"]?)[^'\"\r\n]+",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"(?<![\w-])([\w-]*(?:secret|passw(?:or)?d|token|(?:access|account|api|secret)[_-]?key)(?:=|['\"]\s*[:=]\s*)['\"]?)"
    r"[^\s'\",;})]+",
    re.IGNORECASE,
)
"""name=value, and "name": value as mappings are printed; words before a plain colon are no name."""
_SECRET_NAMES = re.compile(r"SECRET|TOKEN|PASSW|ACCOUNT_KEY|CONNECTION_STRING|API_KEY")
_SHORTEST = 6
"""Characters of a value of the environment that is taken for a secret: shorter ones occur in any text."""


def has_secret(url: str) -> bool:
    """Whether a URL carries a password, a token or a signature.

    >>> has_secret("https://me:pass@host/a.wav"), has_secret("https://host/a.wav?X-Amz-Signature=0a"), has_secret("s3://b/a")
    (True, True, False)
    """
    return "://" in url and any(rule.search(url) for rule in (_USER, _TOKEN_USER, _IN_QUERY, _OPTION))


def without_secrets(text: str) -> str:
    """Return text without passwords, tokens, signatures, and without the secrets of this process's environment.

    >>> without_secrets("ftp://me:pass@host/a.wav?sig=1&b=2 Authorization: AWS4 key/signature")
    'ftp://***@host/a.wav?sig=***&b=2 Authorization: ***'
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET_NAMES.search(name.upper()):
            text = text.replace(value, HIDDEN)
    text = _TOKEN_USER.sub(HIDDEN, _USER.sub(HIDDEN, text))
    text = _IN_QUERY.sub(rf"\1={HIDDEN}", text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    return _OPTION.sub(rf"\1{HIDDEN}", text)
