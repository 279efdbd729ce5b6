"""A TLS server before a server that speaks plainly, and the certificates for it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trustme

from localstack.settings import HOST

_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # with which a client of Postgres asks for TLS


@contextmanager
def terminator(
    authority: trustme.CA, name: str, backend_port: int, *, asks_as_postgres: bool = False
) -> Iterator[int]:
    """Listens on a port, as ``name`` by its certificate, and passes on to ``backend_port``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(
            target=_accept, args=(listener, context, backend_port, asks_as_postgres), daemon=True
        )
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            # A blocked accept doesn't see that its socket is closed.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(
    listener: socket.socket, context: ssl.SSLContext, backend_port: int, asks_as_postgres: bool
) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        arguments = (client, context, backend_port, asks_as_postgres)
        threading.Thread(target=_serve, args=arguments, daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, backend_port: int, asks_as_postgres: bool) -> None:
    with contextlib.suppress(OSError), client:  # a client that refuses the certificate hangs up
        if asks_as_postgres:
            assert client.recv(len(_SSL_REQUEST), socket.MSG_WAITALL) == _SSL_REQUEST
            client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as secure,
            socket.create_connection((HOST, backend_port)) as backend,
        ):
            _relay(secure, backend)


def _relay(secure: ssl.SSLSocket, backend: socket.socket) -> None:
    # In one thread: a TLS connection isn't to be read and written at once.
    while True:
        readable, _, _ = select.select([secure, backend], [], [])
        if secure in readable:
            data = secure.recv(65_536)
            while secure.pending():
                data += secure.recv(65_536)
            if not data:
                return
            backend.sendall(data)
        if backend in readable:
            data = backend.recv(65_536)
            if not data:
                return
            secure.sendall(data)
