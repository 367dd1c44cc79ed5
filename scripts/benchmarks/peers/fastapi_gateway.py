"""The asynchronous textbook gateway: FastAPI and one httpx client, as tutorials write it.

Served by uvicorn; SERVICE_URL is where it sends everything.
"""

import os

import httpx
from fastapi import FastAPI, Request, Response

ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"}

app = FastAPI()
client = httpx.AsyncClient(base_url=os.environ["SERVICE_URL"], timeout=10)


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def forward(path: str, request: Request) -> Response:
    answer = await client.request(
        request.method,
        f"/{path}",
        params=request.query_params,
        headers=[(name, value) for name, value in request.headers.items() if name != "host"],
        content=await request.body(),
    )
    headers = {name: value for name, value in answer.headers.items() if name not in ONE_CONNECTION}
    return Response(answer.content, answer.status_code, headers)
