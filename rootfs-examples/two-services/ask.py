"""Asks the front from the host, and waits for it to come up."""

import socket
import time

for _ in range(60):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect("run/front")
            print(s.makefile().read().strip())
            break
        except OSError:
            time.sleep(1)
