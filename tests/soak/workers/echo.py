"""An instance as a process: it agrees to switch, and sends back whatever comes; its port is the first line it prints."""

import asyncio


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One tunnel, from its head to its end."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # whoever has gone misses nothing
    finally:
        writer.close()


async def serve() -> None:
    """Serve for ever."""
    server = await asyncio.start_server(switch, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
