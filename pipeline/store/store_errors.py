"""What goes wrong with requests to object stores: passing trouble, refusals, credentials; and in which words."""

from __future__ import annotations

import errno

from mixprior.stats.errors import InputError, Stopped, causes
from mixprior.stats.secrets import without_secrets

_SHOWN = 300
_PASSING_STATUS = {408, 425, 429}
_PASSING_CODES = {"RequestTimeout", "SlowDown", "InternalError"}
"""Of S3, whatever the status: that of RequestTimeout is 400."""
PASSING_ERRNOS = {
    *(errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EPIPE, errno.ETIMEDOUT, getattr(errno, "EREMOTEIO", -1)),
    *(errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTUNREACH, errno.EHOSTDOWN),
    *(errno.EMFILE, errno.ENFILE, errno.ESTALE),
}
"""Of what a disk or a network may do the next time."""
_CLIENTS = {"aiohttp", "aiobotocore", "azure", "botocore", "fsspec", "gcsfs", "google", "httpx", "requests", "urllib3"}
"""Libraries whose errors of their own are of connections and answers."""
_LASTING_NAMES = ("Credential", "Param", "Region", "Profile", "Config", "InvalidURL", "NonHttpUrl")
"""In the names of those of their errors that come again."""
_CREDENTIAL_NAMES = ("Credential", "Authentication", "Token")
"""In the names of those of their errors that are of credentials: the libraries renew by themselves what they can."""
_CREDENTIAL_CODES = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "ExpiredTokenException"),
    *("TokenRefreshRequired", "InvalidClientTokenId", "UnrecognizedClientException", "RequestTimeTooSkewed"),
}
"""Of S3; AccessDenied is of one object, it may be. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
_UNAUTHORIZED = 401


class StoreTrouble(Stopped):
    """A store did not answer for minutes, or with errors alone."""


class Refused(InputError):
    """A store answers, and does not do what is asked: no permission, no such option."""


class CredentialsRefused(Refused):
    """A store knows no credentials, or takes them no more: no song can be read until they are renewed."""

    @classmethod
    def by(cls, url: str, error: Exception) -> CredentialsRefused:
        """Return what is raised for an answer to a request."""
        return cls(
            f"{store_of(url)}: credentials are missing, wrong or expired ({words(error)}): renew them (AWS_..., "
            "GOOGLE_APPLICATION_CREDENTIALS); the same command continues with what is not finished"
        )


def store_of(url: str) -> str:
    """Return the URL of the bucket, or of the server, that a URL leads to.

    >>> store_of("s3://bucket/run/songs.parquet")
    's3://bucket'
    """
    return "/".join(url.split("/", 3)[:3])


def is_of_credentials(error: BaseException) -> bool:
    """Whether a request ended so because credentials are missing, wrong or expired: all others will, too."""
    for each in causes(error):
        if _code(each) in _CREDENTIAL_CODES or _status(each) == _UNAUTHORIZED:
            return True
        is_of_a_client = type(each).__module__.split(".")[0] in _CLIENTS
        if is_of_a_client and any(part in type(each).__name__ for part in _CREDENTIAL_NAMES):
            return True
    return False


def is_of_time(error: BaseException) -> bool:
    """Whether a limit of time was reached: on Python 3.10 asyncio and concurrent.futures have a TimeoutError each."""
    return isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutError"


def is_passing(error: BaseException) -> bool:
    """Whether a request that ended so may succeed later.

    >>> is_passing(ConnectionResetError()), is_passing(TimeoutError()), is_passing(PermissionError())
    (True, True, False)
    """
    for each in causes(error):
        if _code(each) in _PASSING_CODES:
            return True
        status = _status(each)
        if status is not None:
            return status >= 500 or status in _PASSING_STATUS
    for each in causes(error):
        if isinstance(each, PermissionError | FileNotFoundError | FileExistsError | IsADirectoryError):
            return False
        if isinstance(each, ConnectionError) or is_of_time(each):
            return True
        if isinstance(each, OSError) and each.errno in PASSING_ERRNOS:
            return True
        if type(each).__module__.split(".")[0] in _CLIENTS:
            return not any(part in type(each).__name__ for part in _LASTING_NAMES)
    return False


def is_of_a_store(error: BaseException) -> bool:
    """Whether an error is a store's or its driver's answer, and no fault of a program."""
    return any(
        isinstance(each, OSError | ValueError | NotImplementedError) or type(each).__module__.split(".")[0] in _CLIENTS
        for each in causes(error)
    )


def _code(error: BaseException) -> str | None:
    """The code of an error of botocore."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code")) if isinstance(response, dict) else None


def _status(error: BaseException) -> int | None:
    """The HTTP status of an error of botocore, gcsfs, aiohttp or azure."""
    if type(error).__module__ == "aiohttp.http_exceptions":  # of an answer that was cut; its status is made up
        return None
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(error, "code", None) or getattr(error, "status", None) or getattr(error, "status_code", None)
    return int(found) if str(found).isdecimal() and 100 <= int(found) < 600 else None


def words(error: BaseException) -> str:
    """Return the kind and the message of an error, in one line without credentials."""
    text = without_secrets(" ".join(str(error).split()))[:_SHOWN]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
