#!/usr/bin/env python3
"""Rotates PyTorch's tensors in a process where PyTorch has teams of OpenMP.

    torch_host.py librotary.so

Calls alternate with PyTorch's own work, also from several threads of Python at
a time and in a child that is forked after both had their teams.
"""

import os
import sys
import threading

import torch

import ctypes_numpy

THREADS = 4
ROUNDS = 20
SHAPE = (2, 512, 8, 64)  # large enough for several threads


class Host:
    """Work of both libraries, each with what it must give."""

    def __init__(self, path):
        self.rotary = ctypes_numpy.Rotary(path, SHAPE[3], 10000.0)
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(SHAPE, generator=generator)
        self.ids = torch.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE[:2]) * 7
        self.true, self.tolerance = ctypes_numpy.reference(
            self.x.numpy(), self.ids.numpy(), ctypes_numpy.HALF,
            self.rotary.inv_freq)
        self.matrix = torch.randn(300, 300, generator=generator)
        self.product = self.matrix @ self.matrix

    def work(self):
        for _ in range(ROUNDS):
            x = self.x.clone()
            self.rotary.rotate(x.numpy(), self.ids.numpy(), ctypes_numpy.HALF)
            error = abs(x.numpy() - self.true)
            if not (error <= self.tolerance).all():
                raise ValueError(f'wrong by {error.max()}')
            if not torch.allclose(self.matrix @ self.matrix, self.product):
                raise ValueError('PyTorch is wrong')


def work_in_threads(host):
    failures = []

    def work():
        try:
            host.work()
        except ValueError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f'in threads: {failures[0]}')


def rotate_in_child(host):
    """Without PyTorch's own work: its teams hang in a child."""
    child = os.fork()
    if child == 0:
        x = host.x.numpy().copy()
        host.rotary.rotate(x, host.ids.numpy(), ctypes_numpy.HALF)
        right = (abs(x - host.true) <= host.tolerance).all()
        os._exit(0 if right else 1)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit('a forked child fails')


def main():
    torch.set_num_threads(2)
    host = Host(sys.argv[1])
    host.work()
    work_in_threads(host)
    # With as many threads as PyTorch is told to use.
    torch.set_num_threads(1)
    host.work()
    torch.set_num_threads(2)
    rotate_in_child(host)
    host.work()
    print(f'PyTorch {torch.__version__}: right in every way of calling')


if __name__ == '__main__':
    main()
