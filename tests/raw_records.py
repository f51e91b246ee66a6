"""Send records with arbitrary bytes as header names, which no Python client allows, through librdkafka's C API."""

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import confluent_kafka

PRODUCER: Final = 0
FLUSH_MS: Final = 30_000
COPY: Final = 2
END, TOPIC, PARTITION, VALUE, KEY, FLAGS, HEADER = 0, 1, 3, 4, 5, 7, 9
"""The tags of rd_kafka_producev's arguments. Source: rd_kafka_vtype_t in rdkafka.h."""

Headers = Sequence[tuple[bytes, bytes | None]]


def raw_send(bootstrap: str, topic: str, value: bytes | None, headers: Headers, key: bytes | None = None) -> None:
    """Append one record to the topic's first partition."""
    library = _library()
    error = ctypes.create_string_buffer(512)
    config = ctypes.c_void_p(library.rd_kafka_conf_new())
    for setting, text in ((b"bootstrap.servers", bootstrap.encode()), (b"log_level", b"0")):
        library.rd_kafka_conf_set(config, setting, text, error, len(error))
    producer = ctypes.c_void_p(library.rd_kafka_new(PRODUCER, config, error, ctypes.c_size_t(len(error))))
    assert producer.value, error.value
    tagged: list[object] = [ctypes.c_int(TOPIC), ctypes.c_char_p(topic.encode())]
    tagged += [ctypes.c_int(PARTITION), ctypes.c_int32(0), ctypes.c_int(FLAGS), ctypes.c_int(COPY)]
    for tag, data in ((VALUE, value), (KEY, key)):
        tagged += [ctypes.c_int(tag), ctypes.c_char_p(data), ctypes.c_size_t(len(data or b""))]
    for name, data in headers:
        tagged += [ctypes.c_int(HEADER), ctypes.c_char_p(name), ctypes.c_char_p(data)]
        tagged.append(ctypes.c_ssize_t(len(data or b"")))
    try:
        assert library.rd_kafka_producev(producer, *tagged, ctypes.c_int(END)) == 0
        assert library.rd_kafka_flush(producer, FLUSH_MS) == 0
    finally:
        library.rd_kafka_destroy(producer)


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(folder.glob("librdkafka-*"))))
    library.rd_kafka_conf_new.restype = library.rd_kafka_new.restype = ctypes.c_void_p
    return library
