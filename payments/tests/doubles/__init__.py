"""Doubles of what the use cases need: a store in memory, a provider with its own books, the orders service."""

from doubles.orders import MemoryOrders
from doubles.provider import MemoryProvider
from doubles.store import memory_database
from doubles.till import Till, once

__all__ = ["MemoryOrders", "MemoryProvider", "Till", "memory_database", "once"]
