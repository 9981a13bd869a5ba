"""Requests over the session of a vendor's library that rests on requests: sent once, faults sorted.

Only plugins whose extra brings requests import this module.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import requests
import urllib3

from hub.errors import Retriable, SourceError
from hub.sync.patience import PatientAdapter

__all__ = ["CONNECT_S", "be_patient", "send"]

CONNECT_S = 10.0
_SILENCES = 5
"""How many times the longest silence a whole answer may take."""


def be_patient(session: requests.Session, timeout_s: float, connections: int = 10) -> None:
    """Bound how long a whole answer may take; keep up to `connections` open."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, PatientAdapter(timeout_s * _SILENCES, connections))


def send(request: Callable[[], requests.Response], url: str, where: str) -> requests.Response:
    """Send once. Raises SourceError, Retriable where another try may help.

    Nothing of the library's own fault is kept: its traceback carries the request's headers, and holds the
    connection open until the collector comes by.
    """
    fault: type[Exception] | None = None
    try:
        return request()
    except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
        fault = type(error)  # OSError: also a missing ca_bundle; ValueError: a redirect to what is no address
    raise _sorted(fault, urlsplit(url).hostname, where)


def _sorted(fault: type[Exception], host: str | None, where: str) -> SourceError:
    if issubclass(fault, requests.exceptions.SSLError):
        return SourceError(f"{where}: the certificate of {host} is not trusted; set ca_bundle of this source")
    if issubclass(fault, requests.exceptions.ProxyError):
        return Retriable(f"{where}: the proxy does not let us reach {host}; check proxy of this source")
    if issubclass(fault, requests.Timeout):
        return Retriable(f"{where}: {host} did not answer in time")
    cut = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    if issubclass(fault, (*cut, requests.exceptions.ContentDecodingError)):
        return Retriable(f"{where}: the connection to {host} failed or was cut; check url and network")
    if issubclass(fault, OSError) and not issubclass(fault, requests.RequestException):
        return SourceError(f"{where}: ca_bundle of this source is no file that can be read")
    return SourceError(f"{where}: no request possible ({fault.__name__}); check url of this source")
