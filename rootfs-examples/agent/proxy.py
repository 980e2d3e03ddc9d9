"""A proxy for jails: HTTP on a socket, to the servers in a list and no others.

proxy.py SOCKET LIST [NAME=ADDRESS ...]; a NAME that is given is not looked up.
"""
import asyncio
import os
import sys
from urllib.parse import urlsplit

path, listed = sys.argv[1:3]
known = dict(word.split("=") for word in sys.argv[3:])


async def pump(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def refuse(writer, status, reason):
    text = f"{reason}\n".encode()
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text)
    await writer.drain()


async def serve(reader, writer):
    try:
        method, target, version = (await reader.readline()).decode("latin-1").split()
        head = b""
        while (line := await reader.readline()) not in (b"\r\n", b""):
            if not line.lower().startswith((b"proxy-", b"connection:")):
                head += line
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = url.hostname, url.port or 80
        with open(listed) as servers:  # read anew, so that it can be changed
            allowed = f"{host}:{port}" in servers.read().split()
        if not allowed:
            return await refuse(writer, "403 Forbidden", f"{host}:{port} is not in {os.path.basename(listed)}; add it there to allow it")
        try:
            there, out = await asyncio.open_connection(known.get(host, host), port)
        except OSError as err:
            return await refuse(writer, "502 Bad Gateway", f"{host}:{port} is allowed, but can't be reached: {err}")
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            rest = (url.path or "/") + (f"?{url.query}" if url.query else "")
            out.write(f"{method} {rest} {version}\r\nConnection: close\r\n".encode() + head + b"\r\n")
        await asyncio.gather(pump(reader, out), pump(there, writer))
        out.close()
    except (ValueError, ConnectionError):
        pass  # no request, or one side has gone
    finally:
        writer.close()


async def main():
    if os.path.exists(path):
        os.unlink(path)
    server = await asyncio.start_unix_server(serve, path)
    os.chmod(path, 0o666)  # root's jail has another id; the directory is shown to nobody else
    await server.serve_forever()


asyncio.run(main())
