"""Ports on this machine."""

import socket

from emotion_hpo.console.make_lines import make_line
from emotion_hpo.errors import StudyError


def refuse_taken_port(port: int, target: str, key: str = "port") -> None:
    """Make sure that a server can listen on a port of 127.0.0.1.

    Args:
        port: To listen on.
        target: Of the Makefile, which the message names.
        key: Of the configuration, by which another is chosen.

    Raises:
        StudyError: Something else listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StudyError(
                f"port {port} on 127.0.0.1 cannot be used ({error.strerror}); choose another with "
                f"{key}=PORT, or {make_line(target, {key: 'PORT'})}"
            ) from None
