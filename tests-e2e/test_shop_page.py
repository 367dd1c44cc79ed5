"""The storefront in a real browser: what a shopper sees and presses."""

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from shop import AS_IT_IS_NOW, new_key, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# A machine that does much else needs more than the five seconds that Playwright gives it.
PATIENCE_MILLISECONDS = 60_000
QUIET = ["--no-first-run", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to sandbox for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *sandbox])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, stack, sku) -> Iterator[Page]:
    """The shop, opened once there is something to buy."""
    page = browser.new_page(extra_http_headers=AS_IT_IS_NOW)
    page.goto(stack.gateway_url)
    yield page
    page.close()


@pytest.fixture
def signed_in(page: Page) -> Page:
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("E-mail").fill(f"{new_key()}@shopper.example")
    page.get_by_label("Password").fill(new_key())
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_role("button", name="Register").click()
    expect(page.locator("#who")).to_have_text("Ada")
    return page


def buy(page: Page, sku: str, card: str) -> None:
    page.get_by_label("Search products").fill(sku)
    page.get_by_role("button", name="Add").first.click()
    page.get_by_label("Pay with").select_option(card)
    page.get_by_role("button", name="Order and pay").click()


def statuses(page: Page) -> list[str]:
    return page.locator("#orders .status").all_inner_texts()


def test_a_shopper_buys_and_is_still_signed_in_after_a_reload(signed_in, sku):
    buy(signed_in, sku, "pm_card_visa")
    expect(signed_in.locator("#orders .status")).to_have_text("PAID")
    signed_in.reload()
    expect(signed_in.locator("#who")).to_have_text("Ada")
    assert statuses(signed_in) == ["PAID"]


def test_a_declined_card_leaves_the_basket_for_another_one(signed_in, sku):
    buy(signed_in, sku, "pm_card_visa_chargeDeclined")
    expect(signed_in.locator("#message")).to_contain_text("declined")
    signed_in.get_by_label("Pay with").select_option("pm_card_visa")
    signed_in.get_by_role("button", name="Order and pay").click()
    expect(signed_in.locator("#orders .status")).to_have_text("PAID")


def test_a_purchase_goes_through_once_though_three_processes_die_in_it(embedded, signed_in, sku):
    buy(signed_in, sku, "pm_card_visa_slow")
    expect(signed_in.locator("#message")).to_contain_text("Paying")
    for name in ("payments", "orders", "payments-worker"):
        os.kill(embedded.processes()[name]["pid"], signal.SIGKILL)
    expect(signed_in.locator("#orders .status")).to_have_text("PAID")
    assert statuses(signed_in) == ["PAID"]
    until(lambda: all(process["ready"] in ("", "ready") for process in embedded.processes().values()))


@pytest.mark.parametrize(("link", "heading"), [("API reference", "Souk API"), ("Status", "services")])
def test_the_footer_leads_to_pages_that_fit_a_phone_and_load_nothing_else(page, stack, link, heading):
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("link", name=link, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    loaded, told = [], []
    page.on("request", lambda request: loaded.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert loaded == [page.url, f"{stack.gateway_url}/papers.css"]
    assert told == []
