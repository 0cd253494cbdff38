"""A service on loopback that answers in the form Allora's consumer API documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web

KEY = "UP-a-key-of-these-tests"
NOW = 1_767_225_600
PERCENTS = ("2.28", "15.87", "50", "84.13", "97.72")


def fixed(value: str) -> str:
    return str(int(Decimal(value) * 10**18))


def said(
    topic_id: int = 1,
    value: str = "3000.5",
    at: int = NOW,
    around: tuple[str, ...] | None = ("2900", "2990.25", "3000.5", "3010.75", "3100"),
) -> dict[str, Any]:
    """One inference as the API words it."""
    percents = None if around is None else list(PERCENTS)
    return {
        "network_inference": fixed(value),
        "network_inference_normalized": value,
        "confidence_interval_percentiles": percents and [fixed(one) for one in percents],
        "confidence_interval_percentiles_normalized": percents,
        "confidence_interval_values": around and [fixed(one) for one in around],
        "confidence_interval_values_normalized": around and list(around),
        "topic_id": str(topic_id),
        "timestamp": at,
        "extra_data": "0x",
    }


def topic(topic_id: Any, name: str, **changed: Any) -> dict[str, Any]:
    return {
        "topic_id": topic_id,
        "topic_name": name,
        "description": None,
        "epoch_length": 120,
        "ground_truth_lag": 120,
        "loss_method": "mse",
        "worker_submission_window": 12,
        "worker_count": 8,
        "reputer_count": 4,
        "total_staked_allo": 1000.5,
        "total_emissions_allo": 12.25,
        "is_active": True,
        "updated_at": "2026-01-01T00:00:00.000Z",
    } | changed


@dataclass
class Service:
    inferences: dict[int, dict[str, Any]] = field(default_factory=lambda: {1: said()})
    pages: list[list[dict[str, Any]]] = field(
        default_factory=lambda: [
            [topic(1, "ETH 10min Prediction"), topic(2, "ETH 24h Prediction")],
            [topic(3, "BTC 10min Prediction", is_active=False)],
        ]
    )
    instead: Callable[[web.Request], web.Response | None] = lambda _request: None
    asked: int = 0
    url: str = ""

    async def consumer(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        found = self.inferences.get(int(request.query["allora_topic_id"]))
        if found is None or request.query["inference_value_type"] != "uint256":
            return web.json_response(
                {"request_id": "3", "status": False, "apiResponseMessage": "topic not found"},
                status=404,
            )
        return whole({"signature": "0x5f", "token_decimals": 18, "inference_data": found})

    async def topics(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        page = int(request.query.get("continuation_token", "0"))
        token = str(page + 1) if page + 1 < len(self.pages) else None
        return whole({"topics": self.pages[page], "continuation_token": token})

    def _refused(self, request: web.Request) -> web.Response | None:
        self.asked += 1
        if request.headers.get("x-api-key") != KEY:
            return web.json_response({"message": "unknown key"}, status=401)
        return self.instead(request)


def whole(data: Any) -> web.Response:
    return web.json_response({"request_id": "7", "status": True, "data": data})


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[Service]:
    app = web.Application()
    app.router.add_get("/v2/allora/consumer/ethereum-11155111", service.consumer)
    app.router.add_get("/v2/allora/allora-testnet-1/topics", service.topics)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v2"
    try:
        yield service
    finally:
        await runner.cleanup()
