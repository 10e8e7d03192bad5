"""What the package spaces does on ZeroGPU, without a card: a decorated generator runs in a forked process, and all that
crosses is pickled. A tensor that would cross, either way, is refused; so is a run, where a test says so."""

import io
import multiprocessing
import os
import pickle
from functools import wraps

import gradio as gr
import torch

asked: list[float] = []  # seconds, of each time that a card was asked for
refusal: gr.Error | None = None  # what the platform answers
lives = 10**9  # so many values come before the card is taken away

_fork = multiprocessing.get_context("fork")


class _Plain(pickle.Pickler):
    def reducer_override(self, value):
        if isinstance(value, torch.Tensor):
            raise pickle.PicklingError("a tensor would cross into another process")
        return NotImplemented


def _dumps(value) -> bytes:
    out = io.BytesIO()
    _Plain(out).dump(value)
    return out.getvalue()


def _serve(task, given: bytes, out, stop) -> None:
    try:
        for n, value in enumerate(task(*pickle.loads(given))):
            if stop.is_set():
                break
            if n == lives:
                os._exit(1)
            out.send_bytes(_dumps(("value", value)))
        out.send_bytes(_dumps(("end", None)))
    except Exception as error:
        out.send_bytes(_dumps(("fault", type(error).__name__)))


def GPU(task, *, duration):
    @wraps(task)
    def handler(*args):
        seconds = duration(*args)
        asked.append(seconds)
        if refusal is not None:
            raise refusal
        here, there = _fork.Pipe(duplex=False)
        stop = _fork.Event()
        process = _fork.Process(target=_serve, args=(task, _dumps(args), there, stop), daemon=True)
        process.start()
        there.close()
        try:
            while True:
                try:
                    kind, value = pickle.loads(here.recv_bytes())
                except EOFError:
                    raise gr.Error("GPU task aborted", title="ZeroGPU worker error") from None
                if kind == "fault":
                    raise gr.Error(value, title="ZeroGPU worker error")
                if kind == "end":
                    return
                yield value
        finally:
            stop.set()
            while here.poll(10):  # until it has ended
                try:
                    here.recv_bytes()
                except EOFError:
                    break
            process.join(10)
            assert not process.is_alive(), "the process goes on although nobody listens"

    return handler
