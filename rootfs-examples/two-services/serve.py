"""serve.py SOCKET TEXT [BACKEND]: answers each connection with TEXT, and what
BACKEND says."""

import os
import socket
import sys


def ask(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        return s.makefile().read().strip()


where, text, *backend = sys.argv[1:]
if os.path.exists(where):
    os.unlink(where)
server = socket.socket(socket.AF_UNIX)
server.bind(where)
server.listen()
while True:
    connection, _ = server.accept()
    with connection:
        answer = " ".join([text] + [ask(b) for b in backend])
        connection.sendall(answer.encode() + b"\n")
