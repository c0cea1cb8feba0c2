"""A proxy as one writes it in an hour: aiohttp on both sides, and the header fields copied. It must fail many rows."""

import asyncio
import sys

import aiohttp
from aiohttp import web


async def main(port: int, origin: str, named: str, second: str) -> None:
    """Serve until the process is ended."""

    def base(request: web.BaseRequest) -> str:
        if request.headers.get("Host") == "second.test":
            return f"http://127.0.0.1:{second}"
        if request.path.startswith("/named/"):
            return f"http://localhost:{named}"
        return f"http://127.0.0.1:{origin}"

    async with aiohttp.ClientSession() as session:

        async def forward(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.read()
            async with session.request(
                request.method, base(request) + request.path_qs, headers=request.headers, data=body
            ) as answer:
                response = web.StreamResponse(status=answer.status, headers=answer.headers)
                await response.prepare(request)
                async for data in answer.content.iter_any():
                    await response.write(data)
                await response.write_eof()
                return response

        runner = web.ServerRunner(web.Server(forward))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:5]))
