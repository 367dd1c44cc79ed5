"""HTTP: the routes of orders as a list; each parses, calls a use case and presents what it gives."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from uuid import UUID

from flask import Response, request

from chassis.api import ADMIN, ANYONE, Answer, Api, Call, page_of
from chassis.fields import PageQuery
from chassis.presenting import dump_bytes
from orders.domain import (
    OrderNotCancellable,
    OrderNotFound,
    OrderTotalTooLarge,
    OutOfStock,
    ProductNotFound,
    UnknownSku,
)
from orders.feed import Feed
from orders.schemas import OrderView, PlaceOrder, ProductPath, ProductView, PutProduct
from orders.service import Catalogue, Orders

# Long enough to take the load of a busy page, short enough for a price that was just changed; while orders is down, an
# old page is better than none: orders are priced anew anyway.
CATALOGUE_CACHE = "public, max-age=5, stale-while-revalidate=10, stale-if-error=3600"
# A proxy that collects an answer before it passes it on would keep the events from the client.
EVENT_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def add_catalogue_routes(api: Api, catalogue: Catalogue) -> None:
    @api.get("/api/v1/products", query=PageQuery, answer=page_of(ProductView), also=(304,), caller=ANYONE)
    def list_products(call: Call) -> Answer:
        """List what is for sale."""
        return _cacheable(catalogue.products(call.query["cursor"], call.query["limit"]))

    @api.get(
        "/api/v1/products/<sku>",
        path=ProductPath,
        answer=ProductView,
        also=(304,),
        caller=ANYONE,
        errors=(ProductNotFound,),
    )
    def get_product(call: Call, sku: str) -> Answer:
        """Show a product."""
        return _cacheable(catalogue.product(sku))

    @api.put(
        "/api/v1/products/<sku>",
        path=ProductPath,
        body=PutProduct,
        answer=ProductView,
        also=(201,),
        caller=ADMIN,
    )
    def put_product(call: Call, sku: str) -> Answer:
        """Add a product, or change all of it."""
        product, is_new = catalogue.put_product(sku, call.body)
        return Answer(product, status=201 if is_new else 200)


def add_order_routes(api: Api, orders: Orders) -> None:
    @api.post(
        "/api/v1/orders",
        body=PlaceOrder,
        answer=OrderView,
        status=201,
        idempotent=True,
        errors=(UnknownSku, OutOfStock, OrderTotalTooLarge),
    )
    def place_order(call: Call) -> Any:
        """Order: prices are ours, stock is reserved until the order expires."""
        return orders.place_order(call.user_id, call.body["items"], call.once)

    @api.get("/api/v1/orders", query=PageQuery, answer=page_of(OrderView))
    def list_orders(call: Call) -> Any:
        """List own orders, newest first."""
        return orders.orders(call.user_id, call.query["cursor"], call.query["limit"])

    @api.get(
        "/api/v1/orders/<uuid:order_id>",
        answer=OrderView,
        issuers=("gateway", "payments"),
        errors=(OrderNotFound,),
    )
    def get_order(call: Call, order_id: UUID) -> Any:
        """Show an own order."""
        return orders.order(call.user_id, order_id)

    @api.post(
        "/api/v1/orders/<uuid:order_id>/cancel",
        answer=OrderView,
        idempotent=True,
        errors=(OrderNotFound, OrderNotCancellable),
    )
    def cancel_order(call: Call, order_id: UUID) -> Any:
        """Cancel an own order that is pending or paid; a paid one is refunded."""
        return orders.cancel_order(call.user_id, order_id, call.once)


def add_following_route(api: Api, orders: Orders, feed: Feed) -> None:
    @api.get("/api/v1/orders/<uuid:order_id>/events", media_type="text/event-stream", errors=(OrderNotFound,))
    def follow_order(call: Call, order_id: UUID) -> Response:
        """Follow an own order: its state now and after each change, as server-sent events."""
        return Response(feed.follow(orders.order(call.user_id, order_id)), headers=EVENT_STREAM)


def _cacheable(value: Any) -> Answer:
    """The value with its ETag, or 304 for a client that has it already (RFC 9110, section 13.1.2)."""
    etag = blake2b(dump_bytes(value), digest_size=16).hexdigest()
    headers = {"ETag": f'"{etag}"', "Cache-Control": CATALOGUE_CACHE}
    if request.if_none_match.contains_weak(etag):
        return Answer(None, status=304, headers=headers)
    return Answer(value, headers=headers)
