"""Where instances are listed, and what is refused."""

import json
import os

import pytest

from gateway.upstream.sources import Address, DnsName, InstancesFile, SourceError, address_of, source_of

NO_SOURCES = """orders:8000 https://orders:1 http:// http://a:x http://a/api http://u@a:1 http://a:1,
dns:// dns://a/b file://a.json file:"""


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://orders:8000", ("orders", 8000)),
        ("http://10.0.0.1:8000/", ("10.0.0.1", 8000)),
        ("http://[::1]:8000", ("::1", 8000)),
        ("http://orders", ("orders", 80)),
    ],
)
def test_an_address_is_a_host_and_a_port(url, address):
    assert address_of(url) == Address(*address)


@pytest.mark.parametrize("text", NO_SOURCES.split())
def test_what_is_no_source_is_refused(text):
    with pytest.raises(SourceError):
        source_of(text, "orders")


def test_several_addresses_have_commas_between_them():
    assert source_of("http://a:1, http://b:2", "orders").read() == [Address("a", 1), Address("b", 2)]


def named(*answers):
    """Return a name that is looked up with these answers, one after another."""
    left = list(answers)

    def look_up(host, port):
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [(each, ":" in each) for each in answer]

    return DnsName("orders", 8000, refresh_seconds=10.0, look_up=look_up)


def test_a_name_has_all_its_addresses_once():
    assert named(["10.0.0.2", "10.0.0.1", "10.0.0.2"]).read() == [
        Address("10.0.0.1", 8000),
        Address("10.0.0.2", 8000),
    ]


def test_one_instance_is_not_counted_for_each_family():
    assert named(["::1", "127.0.0.1"]).read() == [Address("127.0.0.1", 8000)]
    assert named(["::1"]).read() == [Address("::1", 8000)]


def test_a_failed_look_up_tells_nothing_and_is_made_soon_again_where_nothing_is_known():
    name = named(OSError("no such name"), ["10.0.0.1"], TimeoutError())
    assert name.read() is None and name.pause_seconds == 1.0
    assert name.read() == [Address("10.0.0.1", 8000)] and name.pause_seconds == 10.0
    assert name.read() is None


def write(path, text):
    beside = path.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, path)


def test_a_file_is_read_when_it_changes(tmp_path):
    path = tmp_path / "instances.json"
    write(path, json.dumps({"orders": ["http://a:1"], "users": ["http://b:1"]}))
    source = InstancesFile(path, "orders")
    assert source.read() == [Address("a", 1)]
    assert source.read() is None
    write(path, json.dumps({"orders": ["http://a:1", "http://c:1"]}))
    assert source.read() == [Address("a", 1), Address("c", 1)]
    write(path, json.dumps({"users": []}))
    assert source.read() == []


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"orders": "http://a:1"}', '{"orders": ["a:1"]}', '{"users": [1]}']
)
def test_a_broken_file_is_refused_with_a_line(tmp_path, caplog, text):
    path = tmp_path / "instances.json"
    write(path, text)
    source = InstancesFile(path, "orders")
    assert source.read() is None and source.read() is None
    assert [record.message for record in caplog.records] == [f"instances file refused: {path}"]
    write(path, '{"orders": []}')
    assert source.read() == []


def test_a_file_that_is_not_there_yet_is_read_when_it_comes(tmp_path):
    path = tmp_path / "instances.json"
    source = InstancesFile(path, "orders")
    assert source.read() is None
    write(path, '{"orders": ["http://a:1"]}')
    assert source.read() == [Address("a", 1)]
