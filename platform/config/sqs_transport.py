"""Kombu's transport for SQS, without pycurl."""

from kombu.transport import SQS


class Transport(SQS.Transport):
    """SQS in the worker's own thread: kombu's event loop would want pycurl, which needs a compiler's libcurl."""

    implements = SQS.Transport.implements.extend(asynchronous=False)
