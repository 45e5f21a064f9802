"""What the whole process uses is no add-on's to replace. Noticed when one is imported, and put back."""

import builtins
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import flask
import sqlalchemy
from sqlalchemy.orm import Session

from onhand.addons.faults import BrokenAddon

__all__ = ["untouched"]

SHARED = (
    builtins, json, os, flask.Flask, flask.Request, flask.Response, sqlalchemy.Engine, sqlalchemy.Connection, Session,
    logging.Logger, threading.Thread,
)  # fmt: skip
"""Of these, the functions and properties that are there already."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGPROF)
ADVICE = "leave to the site what the whole process uses, and do in code of its own what the add-on needs"


@contextmanager
def untouched(noun: str, doing: str) -> Iterator[None]:
    """Raise BrokenAddon for an add-on that replaces in the block what others rely on; all of it is as before then.

    Not malice but a trick that spread: a function patched, output redirected, a handler of a signal taken.
    """
    functions = [(owner, name, value) for owner in SHARED for name, value in vars(owner).items() if _is_function(value)]
    settings = [(name, get(), put) for name, get, put in _settings()]
    try:
        yield
    finally:
        patched = [(owner, name, value) for owner, name, value in functions if vars(owner).get(name) is not value]
        there = {name: get() for name, get, _ in _settings()}
        changed = [
            (name, value, put) for name, value, put in settings if there[name] is not value and there[name] != value
        ]
        for owner, name, value in patched:
            setattr(owner, name, value)
        for _, value, put in changed:
            put(value)
    names = [f"{getattr(owner, '__name__', owner)}.{name}" for owner, name, _ in patched] + [
        name for name, *_ in changed
    ]
    if names:
        raise BrokenAddon.of(noun, f"replaced {', '.join(names)} {doing}", ADVICE)


def _is_function(value: Any) -> bool:
    return callable(value) or isinstance(value, (property, classmethod, staticmethod))


def _settings() -> Iterator[tuple[str, Callable[[], Any], Callable[[Any], Any]]]:
    for name in ("stdout", "stderr", "excepthook"):
        yield f"sys.{name}", partial(getattr, sys, name), partial(setattr, sys, name)
    yield "the folder of work", os.getcwd, os.chdir
    yield "socket.setdefaulttimeout", socket.getdefaulttimeout, socket.setdefaulttimeout
    yield "logging.disable", lambda: logging.root.manager.disable, logging.disable
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            yield f"the handler of {number.name}", partial(signal.getsignal, number), partial(signal.signal, number)
