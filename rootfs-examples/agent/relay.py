"""Inside the jail: makes the proxy's socket a port of loopback, then runs a command."""
import socket
import subprocess
import sys
import threading


def pump(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side has gone


def relay(server):
    while True:
        client, _ = server.accept()
        proxy = socket.socket(socket.AF_UNIX)
        proxy.connect("/proxy/socket")
        for pair in (client, proxy), (proxy, client):
            threading.Thread(target=pump, args=pair, daemon=True).start()


server = socket.create_server(("127.0.0.1", 3128))
threading.Thread(target=relay, args=(server,), daemon=True).start()
sys.exit(subprocess.call(sys.argv[1:]))
