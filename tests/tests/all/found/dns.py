"""A DNS server for tests. Arguments: NAME=ADDRESS,ADDRESS ... Names below silent.example get no answer."""

import ipaddress
import socket
import struct
import sys

A, AAAA = 1, 28
NO_SUCH_NAME = 3


def question(query):
    """The name and the type that are asked for, and where the question ends."""
    labels, at = [], 12
    while query[at]:
        length = query[at]
        labels.append(query[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += 1 + length
    kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
    return ".".join(labels), kind, at + 5


def answer(query, names):
    """The answer to a query; none: there is to be none."""
    name, kind, end = question(query)
    print(name, kind, flush=True)
    if name.endswith("silent.example"):
        return None
    addresses = names.get(name)
    records = b""
    count = 0
    for address in addresses or []:
        if kind == (A if address.version == 4 else AAAA):
            data = address.packed
            records += struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
            count += 1
    status = 0x8180 | (NO_SUCH_NAME if addresses is None else 0)
    head = query[:2] + struct.pack(">HHHHH", status, 1, count, 0, 0)
    return head + query[12:end] + records


def main():
    names = {}
    for argument in sys.argv[1:]:
        name, addresses = argument.split("=")
        names[name] = [ipaddress.ip_address(text) for text in addresses.split(",")]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while True:
        query, peer = server.recvfrom(4096)
        reply = answer(query, names)
        if reply:
            server.sendto(reply, peer)


main()
