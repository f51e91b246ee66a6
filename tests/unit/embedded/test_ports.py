import socket

from embedded.ports import LOOPBACK, free_port, port_is_free


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        assert not port_is_free(server.getsockname()[1])


def test_the_preferred_port_is_returned_if_it_is_free() -> None:
    port = free_port()
    assert free_port(port) == port


def test_a_busy_preferred_port_is_replaced_by_a_free_one() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        busy = server.getsockname()[1]
        port = free_port(busy)
        assert port != busy
        assert port_is_free(port)


def test_a_taken_port_is_never_chosen() -> None:
    preferred = free_port()
    assert free_port(preferred, taken={preferred}) != preferred
