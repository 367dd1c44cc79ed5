"""The storefront's files, from the gateway's own memory."""

import re

from serving import get, post


def test_the_shop_is_at_the_root_and_runs_only_its_own_scripts(gateway):
    page = gateway.ask(get("/"))
    assert page.status == 200
    assert page["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page["content-security-policy"]
    assert b"/shop/shop.js" in page.body


def test_every_file_the_shop_names_is_there(gateway):
    for path in ("/shop/shop.js", "/shop/api.js", "/shop/shop.css"):
        assert gateway.ask(get(path)).status == 200


def test_every_page_the_shop_links_to_is_there(gateway):
    links = set(re.findall(r'<a href="([^"]+)"', gateway.ask(get("/")).body.decode()))
    assert {path: gateway.ask(get(path)).status for path in links} == {"/reference": 200, "/status": 200}


def test_a_file_the_client_has_is_not_sent_again(gateway):
    etag = gateway.ask(get("/shop/shop.css"))["etag"]
    again = gateway.ask(get("/shop/shop.css", f"If-None-Match: {etag}"))
    assert (again.status, again.body) == (304, b"")


def test_a_page_can_only_be_read(gateway):
    refused = gateway.ask(post("/", ""))
    assert (refused.status, refused["allow"]) == (405, "GET, HEAD")


def test_no_other_file_is_served(gateway):
    assert gateway.ask(get("/shop/routes.toml")).status == 404
