"""Serves a page on the socket that systemd has opened."""
import http.server
import socket
import subprocess


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served from a jail without a network\n")


server = http.server.HTTPServer(("", 0), Page, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
subprocess.run(["systemd-notify", "--ready"])
server.serve_forever()
