#!/usr/bin/env python3
"""Rotates NumPy arrays by librotary, with nothing but ctypes and NumPy.

    ctypes_numpy.py [librotary.so]

The library is the argument, or what the environment variable ROTARY_LIBRARY
names, or librotary.so.0 as the system finds it. Compares the result with a
reference in float64 and shows the error of a wrong call. The classes and Rotary
may be copied: they are all that a program needs.
"""

import ctypes
import os
import sys

import numpy as np

F32, I64 = 1, 18
HALF, INTERLEAVED = 1, 2
DENSE = -2**63

# The structs of rotary.h, field by field, as they were in version 0.1: they are
# told by their size, and every version with this ABI takes them. The library's
# init functions set every field to its default.


class Error(ctypes.Structure):
    _fields_ = [
        ('status', ctypes.c_int32),
        ('tensor', ctypes.c_int32),
        ('token', ctypes.c_int64),
        ('value', ctypes.c_int64),
        ('real_value', ctypes.c_double),
        ('argument', ctypes.c_char * 64),
        ('message', ctypes.c_char * 256),
        ('reserved', ctypes.c_char * 160),
    ]


class Positions(ctypes.Structure):
    _fields_ = [
        ('struct_size', ctypes.c_size_t),
        ('data', ctypes.c_void_p),
        ('dtype', ctypes.c_int32),
        ('kind', ctypes.c_int32),
        ('batch_stride', ctypes.c_int64),
        ('token_stride', ctypes.c_int64),
        ('offset', ctypes.c_int64),
    ]


class Tensor(ctypes.Structure):
    _fields_ = [
        ('struct_size', ctypes.c_size_t),
        ('heads', ctypes.c_int64),
        ('head_dim', ctypes.c_int64),
        ('rotary_offset', ctypes.c_int64),
        ('input', ctypes.c_void_p),
        ('input_batch_stride', ctypes.c_int64),
        ('input_token_stride', ctypes.c_int64),
        ('input_head_stride', ctypes.c_int64),
        ('input_dtype', ctypes.c_int32),
        ('input_pairing', ctypes.c_int32),
        ('output', ctypes.c_void_p),
        ('output_batch_stride', ctypes.c_int64),
        ('output_token_stride', ctypes.c_int64),
        ('output_head_stride', ctypes.c_int64),
        ('output_dtype', ctypes.c_int32),
        ('output_pairing', ctypes.c_int32),
        ('output_store', ctypes.c_int32),
        ('reserved', ctypes.c_int32),
    ]


class ApplyArgs(ctypes.Structure):
    _fields_ = [
        ('struct_size', ctypes.c_size_t),
        ('batch', ctypes.c_int64),
        ('tokens', ctypes.c_int64),
        ('tensors', ctypes.POINTER(Tensor)),
        ('num_tensors', ctypes.c_int64),
        ('rows', ctypes.c_void_p),
        ('first_row', ctypes.c_int64),
        ('row_batch_stride', ctypes.c_int64),
        ('row_token_stride', ctypes.c_int64),
        ('embedding', ctypes.c_void_p),
        ('positions', ctypes.POINTER(Positions)),
        ('mode', ctypes.c_int32),
        ('transpose', ctypes.c_int32),
        ('num_threads', ctypes.c_int32),
        ('reserved', ctypes.c_int32),
        ('target', ctypes.c_char_p),
    ]


class Rotary:
    """One embedding of a loaded library."""

    def __init__(self, path, rotary_dim, base):
        self.library = ctypes.CDLL(path)
        self.library.rotary_embedding_from_base.argtypes = [
            ctypes.c_int64, ctypes.c_double,
            ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(Error)]
        self.library.rotary_embedding_inv_freq.argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
            ctypes.POINTER(Error)]
        self.library.rotary_embedding_destroy.argtypes = [ctypes.c_void_p]
        self.library.rotary_embedding_destroy.restype = None
        self.embedding = ctypes.c_void_p()
        self._call('rotary_embedding_from_base', rotary_dim, base,
                   ctypes.byref(self.embedding))
        self.inv_freq = np.empty(rotary_dim // 2)
        self._call('rotary_embedding_inv_freq', self.embedding,
                   self.inv_freq.ctypes.data, self.inv_freq.size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.rotary_embedding_destroy(self.embedding)

    def _call(self, name, *args):
        error = Error()
        if getattr(self.library, name)(*args, ctypes.byref(error)):
            raise ValueError(error.message.decode())

    def _init(self, kind, name):
        struct = kind()
        init = getattr(self.library, f'rotary_{name}_init')
        init.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        init.restype = None
        init(ctypes.byref(struct), ctypes.sizeof(struct))
        return struct

    def rotate(self, x, position_ids, pairing):
        """Rotates x [batch][tokens][heads][head_dim] in place.

        x may be any float32 view with dense heads; position_ids is
        [batch][tokens].
        """
        if x.dtype != np.float32 or x.ndim != 4 or x.strides[3] != 4:
            raise TypeError('x is not float32 in four dimensions, heads dense')
        position_ids = np.ascontiguousarray(position_ids, np.int64)
        if position_ids.shape != x.shape[:2]:
            raise TypeError('position_ids is not [batch][tokens]')

        positions = self._init(Positions, 'positions')
        positions.data = position_ids.ctypes.data
        positions.dtype = I64

        tensor = self._init(Tensor, 'tensor')
        tensor.heads, tensor.head_dim = x.shape[2:]
        tensor.input = x.ctypes.data
        # In elements, where NumPy counts bytes.
        (tensor.input_batch_stride, tensor.input_token_stride,
         tensor.input_head_stride) = [stride // 4 for stride in x.strides[:3]]
        tensor.input_dtype = F32
        tensor.input_pairing = pairing

        args = self._init(ApplyArgs, 'apply_args')
        args.batch, args.tokens = x.shape[:2]
        args.tensors, args.num_tensors = ctypes.pointer(tensor), 1
        args.embedding = self.embedding
        args.positions = ctypes.pointer(positions)
        self._call('rotary_apply', ctypes.byref(args))


def reference(x, position_ids, pairing, inv_freq):
    """The rotated x in float64, and how far float32 may be from it."""
    angle = position_ids[:, :, None, None] * inv_freq
    cos, sin = np.cos(angle), np.sin(angle)
    pairs = inv_freq.size
    if pairing == HALF:
        first, second = slice(pairs), slice(pairs, 2 * pairs)
    else:
        first, second = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
    a, b = x[..., first].astype(float), x[..., second].astype(float)
    true, tolerance = x.astype(float), np.zeros(x.shape)
    true[..., first] = a * cos - b * sin
    true[..., second] = b * cos + a * sin
    # What the header promises, u = 2^-24: 2u (|a cos| + |b sin|) + 2^-149 for
    # the rotation, and for each of cos and sin an ulp, at most u. The
    # reference's own angle is rounded, by 2^-53 of it.
    u = 2.0**-24
    row = u + np.abs(angle) * 2.0**-53
    row = row * (np.abs(a) + np.abs(b)) + 2.0**-149
    tolerance[..., first] = 2 * u * (np.abs(a * cos) + np.abs(b * sin)) + row
    tolerance[..., second] = 2 * u * (np.abs(b * cos) + np.abs(a * sin)) + row
    return true, tolerance


def main():
    path = (sys.argv[1] if len(sys.argv) > 1 else
            os.environ.get('ROTARY_LIBRARY', 'librotary.so.0'))
    random = np.random.default_rng(1)
    batch, heads, tokens, head_dim, rotary_dim = 2, 8, 33, 96, 64
    position_ids = random.integers(0, 2**20, (batch, tokens))
    with Rotary(path, rotary_dim, 10000.0) as rotary:
        for pairing in HALF, INTERLEAVED:
            # In memory [batch][heads][tokens][head_dim]: any layout will do.
            x = random.standard_normal((batch, heads, tokens, head_dim),
                                       np.float32).transpose(0, 2, 1, 3)
            true, tolerance = reference(x, position_ids, pairing,
                                        rotary.inv_freq)
            rotary.rotate(x, position_ids, pairing)
            error = np.abs(x - true)
            print(f'pairing {pairing}: largest error {error.max():.3g}')
            if not (error <= tolerance).all():
                sys.exit('that is more than the header allows')

        try:
            rotary.rotate(x, position_ids, pairing=0)
        except ValueError as error:
            print(f'a wrong pairing: {error}')
            if 'input_pairing' not in str(error):
                sys.exit('the message does not name the argument')
        else:
            sys.exit('a wrong pairing is not an error')


if __name__ == '__main__':
    main()
