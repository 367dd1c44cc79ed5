"""What every journey starts with: a stack, its administrator, a shopper, something to buy."""

from collections.abc import Iterator

import pytest
from shop import Client, new_key, register
from stacks import Stack, given, own


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    if named := given():
        yield named
        return
    with own() as started:
        yield started


@pytest.fixture
def embedded(stack: Stack) -> Stack:
    """The stack, where it is one whose processes and logs these tests may touch."""
    if stack.state is None:
        pytest.skip(
            "it needs the processes and logs of an embedded stack; of GATEWAY_URL only the gateway is known"
        )
    return stack


@pytest.fixture
def anyone(stack: Stack) -> Client:
    return Client(stack.gateway_url)


@pytest.fixture(scope="session")
def admin(stack: Stack) -> Client:
    if not stack.admin_password:
        pytest.skip("this journey needs ADMIN_EMAIL and ADMIN_PASSWORD")
    return Client(stack.gateway_url).sign_in(stack.admin_email, stack.admin_password)


@pytest.fixture
def shopper(anyone: Client) -> Client:
    return register(anyone)


@pytest.fixture
def sku(admin: Client) -> str:
    """Something that can be bought, and that nobody else buys."""
    new = f"E2E-{new_key()[:13].upper()}"
    admin.put_product(new)
    return new
