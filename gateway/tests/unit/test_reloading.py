"""The routes of a process and of those forked from it: the newest that could be used."""

import os
from types import SimpleNamespace

from gateway.reloading import CurrentRoutes
from gateway.route_file import RoutesError


class File:
    """A route file of which only the number of routes matters; 0: it cannot be used."""

    def __init__(self, count):
        self.count = count

    def read(self):
        if not self.count:
            raise RoutesError(["line 1: no"])
        return SimpleNamespace(all=[None] * self.count)


def in_child(do, meanwhile=lambda: None):
    """Return what `do` returns in a forked process, 0 to 255, after what happens meanwhile in this one."""
    ask, told = os.pipe()
    if not (pid := os.fork()):
        os.read(ask, 1)
        os._exit(do())
    meanwhile()
    os.write(told, b"x")
    os.close(ask)
    os.close(told)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def count(current):
    return len(current.routes.all)


def test_a_process_that_is_told_nothing_keeps_its_routes():
    file = File(3)
    current = CurrentRoutes(file.read)
    file.count = 4
    assert not current.follow() and count(current) == 3


def followed(current):
    """Return how many routes a process has that looks once more whether there are new ones."""
    return count(current) + 100 if current.follow() and not current.follow() else count(current)


def test_a_process_reads_again_what_the_one_above_has_read_after_the_fork():
    file = File(3)
    current = CurrentRoutes(file.read)
    assert in_child(lambda: followed(current), meanwhile=current.reload) == 103


def test_a_bad_file_keeps_the_old_routes_and_is_told_to_nobody_below():
    file = File(3)
    current = CurrentRoutes(file.read)
    file.count = 0
    assert in_child(lambda: 100 * current.follow(), meanwhile=current.reload) == 0
    assert count(current) == 3


def test_a_file_that_was_good_above_and_is_bad_below_keeps_the_old_routes_there():
    file = File(3)
    current = CurrentRoutes(file.read)

    def read_a_bad_one():
        file.count = 0
        return followed(current)

    assert in_child(read_a_bad_one, meanwhile=current.reload) == 3


def test_a_process_forked_later_has_the_newest_good_routes():
    file = File(3)
    current = CurrentRoutes(file.read)
    for file.count in (5, 0):
        current.reload()
    assert in_child(lambda: followed(current)) == 5
