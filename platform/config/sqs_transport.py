"""Kombu's transport for SQS, without pycurl."""

from kombu.transport import SQS


class Transport(SQS.Transport):
    """SQS polled in the worker's thread: kombu's event loop needs pycurl, which needs a compiler and libcurl."""

    implements = SQS.Transport.implements.extend(asynchronous=False)
