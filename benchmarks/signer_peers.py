"""What a signature costs without a policy, a trail or leases: over a bare socket, in a process that signs whatever it gets."""

import socket
import struct
import sys

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LENGTH = struct.Struct(">I")
SECRET = bytes(range(1, 33))


def signature(scheme: str, message: bytes) -> bytes:
    """Return a signature with the libraries alone."""
    if scheme == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(SECRET).sign(message)
    return PrivateKey(SECRET).sign_recoverable(message, hasher=None)


def exactly(stream: socket.socket, length: int) -> bytes:
    """Return so many bytes."""
    held = b""
    while len(held) < length:
        part = stream.recv(length - len(held))
        if not part:
            raise EOFError
        held += part
    return held


def serve(stream: socket.socket, scheme: str) -> None:
    """Sign every frame until the other end leaves."""
    try:
        while True:
            message = exactly(stream, LENGTH.unpack(exactly(stream, LENGTH.size))[0])
            signed = signature(scheme, message)
            stream.sendall(LENGTH.pack(len(signed)) + signed)
    except EOFError:
        return


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
