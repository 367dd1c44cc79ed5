"""What an operator types: up again, a busy port, a catalogue with mistakes, a refund that failed, the demo."""

from urllib.parse import urlsplit

from shop import until
from stacks import ROOT, run_script


def test_up_again_is_harmless(embedded):
    before = {name: process["pid"] for name, process in embedded.processes().items()}
    again = embedded.script("up")
    assert again.returncode == 0, again.stderr
    assert embedded.gateway_url in again.stdout
    assert {name: process["pid"] for name, process in embedded.processes().items()} == before


def test_a_port_that_a_running_stack_cannot_follow_is_said(embedded):
    again = embedded.script("up", GATEWAY_PORT="1")
    has = urlsplit(embedded.gateway_url).port
    assert f"GATEWAY_PORT=1 is not followed: it has {has} until make down" in again.stdout


def test_where_nothing_runs_that_is_said_in_one_line(tmp_path):
    (tmp_path / "settings").mkdir()
    for file in ("env", "settings/orders.env", "products.csv"):
        (tmp_path / file).touch()
    refused = run_script("catalogue", str(tmp_path / "products.csv"), SOUK_STATE=str(tmp_path))
    assert (refused.returncode, refused.stderr) == (1, "Souk is not running: make up\n")
    refused = run_script("e2e", SOUK_STATE=str(tmp_path), GATEWAY_URL="")
    said = refused.stderr.splitlines()[-1]
    assert (refused.returncode, said) == (1, "Souk is not running: make up, or name a GATEWAY_URL")


def test_a_busy_port_is_one_clear_sentence_and_starts_nothing(embedded):
    port = str(urlsplit(embedded.gateway_url).port)
    other = embedded.state / "other"
    refused = run_script("up", SOUK_STATE=str(other), GATEWAY_PORT=port)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert port in refused.stderr
    assert "GATEWAY_PORT" in refused.stderr
    assert run_script("status", SOUK_STATE=str(other)).stderr == "Souk is not running.\n"


def test_a_catalogue_with_bad_rows_is_refused_by_line_and_loads_nothing(embedded, anyone, tmp_path):
    file = tmp_path / "products.csv"
    header = "sku,name,description,category,price,stock"
    file.write_text(
        f"{header}\nE2E-GOOD,Good,,Tests,100,1\nE2E-BAD,Bad,,Tests,-5,1\nE2E-WORSE,Worse,,Tests,1,many\n"
    )
    refused = embedded.script("catalogue", str(file))
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert all(line in said for line in ("3", "4"))
    assert anyone.get("/api/v1/products/E2E-GOOD").status_code == 404


def test_a_good_catalogue_is_sold_at_once(embedded, anyone, tmp_path):
    file = tmp_path / "products.csv"
    file.write_text("sku,name,description,category,price,stock\nE2E-NEW,New,,Tests,100,1\n")
    assert embedded.script("catalogue", str(file)).returncode == 0
    assert anyone.get("/api/v1/products/E2E-NEW").json()["price"] == 100


def test_a_refund_that_the_provider_failed_is_booked_as_given_back_by_hand(embedded, shopper, sku):
    order = shopper.order(sku)
    payment = shopper.pay(order, "pm_card_visa_pendingRefundFail").json()
    shopper.until_status(order, "PAID")
    command = ("reconcile", "settle-refund", payment["id"], "--reference", "bank transfer 17")
    assert embedded.script(*command).returncode == 65
    assert shopper.post(f"/api/v1/orders/{order['id']}/cancel", {}).status_code == 200
    booked = f"payment {payment['id']} booked as given back by hand: bank transfer 17\n"
    until(lambda: embedded.script(*command).stdout == booked)
    shopper.until_status(order, "REFUNDED")
    assert f"payment {payment['id']}, 1999 EUR, bank transfer 17" in embedded.script("reconcile").stdout


def test_the_demo_goes_through(stack):
    shown = run_script("demo", GATEWAY_URL=stack.gateway_url)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "PAID" in shown.stdout
    assert "card_declined" in shown.stdout


def test_the_state_is_for_its_owner_alone(embedded):
    for secret in ("env", "keys/token-keys.json", "settings/payments.env"):
        assert (embedded.state / secret).stat().st_mode & 0o077 == 0
    assert embedded.state.is_relative_to(ROOT)
