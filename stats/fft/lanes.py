"""Several numbers at once in compiled functions: number types of numba that are vectors of the processor.

Rows of `LANES` float32, or `WIDE_LANES` float64, are read from and written to arrays of one dimension, in which row k
begins at `LANES` k. Where the processor's vectors are shorter, LLVM splits them. What is computed in one lane is the
same however many there are: only what is added up across lanes depends on it, and takes `WIDE_LANES`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, registry, types
from numba.core.datamodel import models
from numba.core.extending import intrinsic, overload, register_model

_PROCESSOR = registry.cpu_target.target_context.codegen().magic_tuple()[2]
LANES = 16 if "+avx512f" in _PROCESSOR else 8
"""Float32 of a row: as many as fill the vectors of AVX-512, and 8 on other processors."""
WIDE_LANES = 8
"""Float64 of a row."""
LINE_BYTES = 64
_FLAGS = ("nsz",)
"""Not `contract`: which products are fused with sums would depend on what is compiled with them, and last bits too.
Where they are to be, `times_plus` says so; processors without such an instruction (x86 before 2013) are slow at it."""


def zeros(*shape: int) -> np.ndarray:
    """Return float32 zeros that begin with a line of the cache: reading a row from two lines takes longer.

    >>> zeros(2, 8).shape, zeros(3).__array_interface__["data"][0] % LINE_BYTES
    ((2, 8), 0)
    """
    size = math.prod(shape)
    room = np.zeros(size + LINE_BYTES // 4, np.float32)
    begin = -room.__array_interface__["data"][0] % LINE_BYTES // 4
    return room[begin : begin + size].reshape(shape)


def aligned(numbers: np.ndarray) -> np.ndarray:
    """Return float32 numbers in memory as of `zeros`."""
    copy = zeros(*numbers.shape)
    copy[...] = numbers
    return copy


def inline(function: Callable[..., Any]) -> Any:
    """`numba.extending.intrinsic`, whose type says how it is defined and not how it is called."""
    return intrinsic(function)


class Lanes(types.Type):
    """The type of several numbers.

    Args:
        element: `types.float32` or `types.float64`.
        count: how many.
    """

    def __init__(self, element: types.Float, count: int) -> None:
        self.element, self.count = element, count
        super().__init__(name=f"{element}x{count}")

    @property
    def vector(self) -> ir.VectorType:
        """The vector while code is generated."""
        return ir.VectorType(ir.FloatType() if self.element == types.float32 else ir.DoubleType(), self.count)


_LANES: dict[Any, Lanes] = {
    types.float32: Lanes(types.float32, LANES),
    types.float64: Lanes(types.float64, WIDE_LANES),
}
_SHORT = Lanes(types.float32, WIDE_LANES)


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Lanes) -> None:
        super().__init__(manager, of, of.vector)


class Emitted:
    """A row of numbers while code is generated: arithmetic on it emits instructions.

    Args:
        builder: what emits them.
        value: the vector.
    """

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: Emitted) -> Emitted:
        return Emitted(self.builder, self.builder.fadd(self.value, other.value, flags=_FLAGS))

    def __sub__(self, other: Emitted) -> Emitted:
        return Emitted(self.builder, self.builder.fsub(self.value, other.value, flags=_FLAGS))

    def __mul__(self, other: Emitted) -> Emitted:
        return Emitted(self.builder, self.builder.fmul(self.value, other.value, flags=_FLAGS))

    def __truediv__(self, other: Emitted) -> Emitted:
        return Emitted(self.builder, self.builder.fdiv(self.value, other.value, flags=_FLAGS))

    def __neg__(self) -> Emitted:
        return Emitted(self.builder, self.builder.fneg(self.value))

    def times_plus(self, factor: Emitted, addend: Emitted) -> Emitted:
        """Emit the product with a factor plus an addend, rounded once."""
        return Emitted(self.builder, _fused(self.builder, self.value, factor.value, addend.value))


def _fused(builder: ir.IRBuilder, one: ir.Value, other: ir.Value, addend: ir.Value) -> ir.Value:
    """Emit one * other + addend."""
    bits = 32 if isinstance(one.type.element, ir.FloatType) else 64
    kind = ir.FunctionType(one.type, [one.type] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{one.type.count}f{bits}")
    return builder.call(function, [one, other, addend])


Complex = tuple[Emitted, Emitted]


def turned(value: Complex, factor: Complex) -> Complex:
    """Emit the product of two complex numbers."""
    (a, b), (c, s) = value, factor
    return a.times_plus(c, -(b * s)), a.times_plus(s, b * c)


class Memory:
    """An array of float32 or float64 while code is generated."""

    def __init__(self, context: Any, builder: ir.IRBuilder, of: types.Array, array: ir.Value) -> None:
        self._builder, self._lanes = builder, _LANES[of.dtype]
        self._data = context.make_array(of)(context, builder, array).data

    def _pointer(self, at: ir.Value, vector: ir.VectorType) -> ir.Value:
        return self._builder.bitcast(self._builder.gep(self._data, [at]), vector.as_pointer())

    def load(self, at: ir.Value, lanes: Lanes | None = None) -> Emitted:
        """Emit a load of a row from an index on."""
        pointer = self._pointer(at, (lanes or self._lanes).vector)
        return Emitted(self._builder, self._builder.load(pointer, align=4))

    def store(self, at: ir.Value, value: Emitted) -> None:
        """Emit a store of a row from an index on."""
        self._builder.store(value.value, self._pointer(at, value.value.type), align=4)

    def spread(self, at: ir.Value) -> Emitted:
        """Emit a load of one number into all lanes."""
        number = self._builder.load(self._builder.gep(self._data, [at]))
        return Emitted(self._builder, spread(self._builder, number, self._lanes.count))


def _integers(numbers: Sequence[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), list(numbers))


def spread(builder: ir.IRBuilder, number: ir.Value, count: int) -> ir.Value:
    """Emit a vector that holds one number in all lanes."""
    undefined = ir.Constant(ir.VectorType(number.type, count), ir.Undefined)
    one = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, _integers([0] * count))


def constant(builder: ir.IRBuilder, number: float, lanes: Lanes | None = None) -> Emitted:
    """A number in all lanes; of a row of float32 where it is not said of which."""
    vector = (lanes or _LANES[types.float32]).vector
    return Emitted(builder, ir.Constant(vector, [ir.Constant(vector.element, number)] * vector.count))


def transposed(builder: ir.IRBuilder, rows: Sequence[Emitted]) -> list[Emitted]:
    """Emit the transpose of as many rows as a row has numbers, a power of two, in steps of two-row shuffles."""
    values, count = [row.value for row in rows], len(rows)
    width = count // 2

    def shuffled(one: ir.Value, other: ir.Value, which: Sequence[int]) -> ir.Value:
        return builder.shuffle_vector(one, other, _integers(which))

    while width:
        # Exchanges the upper half of each row's blocks with the lower half of the row's that is `width` below.
        low = [n if n & width == 0 else n - width + count for n in range(count)]
        high = [n + width if n & width == 0 else n + count for n in range(count)]
        for k in range(count):
            if k & width == 0:
                one, other = values[k], values[k + width]
                values[k], values[k + width] = shuffled(one, other, low), shuffled(one, other, high)
        width //= 2
    return [Emitted(builder, value) for value in values]


def index(builder: ir.IRBuilder, number: int) -> ir.Constant:
    """An index that is known when code is generated."""
    return ir.Constant(ir.IntType(64), number)


@inline
def load(typing_context: Any, array: types.Array, at: types.Integer) -> Any:
    """Return the row of an array of one dimension that begins at an index, which is not checked."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return Memory(context, builder, signature.args[0], args[0]).load(args[1]).value

    return _LANES[array.dtype](array, types.intp), code


@inline
def load_short(typing_context: Any, array: types.Array, at: types.Integer) -> Any:
    """`load` of `WIDE_LANES` float32, whatever the processor: of what is added up across lanes, or widened."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return Memory(context, builder, signature.args[0], args[0]).load(args[1], _SHORT).value

    return _SHORT(array, types.intp), code


@inline
def store(typing_context: Any, array: types.Array, at: types.Integer, value: Lanes) -> Any:
    """Write a row into an array of one dimension from an index on, which is not checked."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        Memory(context, builder, signature.args[0], args[0]).store(args[1], Emitted(builder, args[2]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), code


@inline
def all_of(typing_context: Any, number: types.Float) -> Any:
    """Return one number in all lanes."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return spread(builder, args[0], _LANES[number].count)

    return _LANES[number](number), code


@inline
def times_plus(typing_context: Any, value: Lanes, factor: Lanes, addend: Lanes) -> Any:
    """Return, lane by lane, `value` times `factor` plus `addend`, rounded once."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _fused(builder, *args)

    return value(value, factor, addend), code


@inline
def minus_times(typing_context: Any, value: Lanes, one: Lanes, other: Lanes) -> Any:
    """Return, lane by lane, `value` minus the product of the two others, rounded once."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _fused(builder, builder.fneg(args[1]), args[2], args[0])

    return value(value, one, other), code


@inline
def widened(typing_context: Any, value: Lanes) -> Any:
    """Return what `load_short` returned as float64."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.fpext(args[0], _LANES[types.float64].vector)

    return _LANES[types.float64](value), code


@inline
def root(typing_context: Any, value: Lanes) -> Any:
    """Return the square root of each lane."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        vector = value.vector
        name = f"llvm.sqrt.v{value.count}f{value.element.bitwidth}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector]), name)
        return builder.call(function, args)

    return value(value), code


@inline
def log(typing_context: Any, value: Lanes) -> Any:
    """Return the natural logarithm of each lane, float32, of positive numbers that are not denormal."""
    # By exponent and mantissa from sqrt(1/2) to sqrt(2): log m = 2 atanh s, s = (m - 1) / (m + 1), whose series is cut
    # off after s^9, at 1e-9.
    low, one, mask = (_integers([bits] * value.count) for bits in (0x3F3504F3, 0x3F800000, 0x7FFFFF))

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        shifted = builder.add(builder.bitcast(args[0], low.type), builder.sub(one, low))
        steps = builder.ashr(shifted, _integers([23] * value.count))
        steps = builder.sub(steps, _integers([127] * value.count))
        exponent = Emitted(builder, builder.sitofp(steps, value.vector))
        bits = builder.add(builder.and_(shifted, mask), low)
        mantissa = Emitted(builder, builder.bitcast(bits, value.vector))
        unit = constant(builder, 1.0)
        s = (mantissa - unit) / (mantissa + unit)
        squared, series = s * s, constant(builder, 1 / 9)
        for odd in (7, 5, 3, 1):
            series = squared.times_plus(series, constant(builder, 1 / odd))
        return exponent.times_plus(constant(builder, math.log(2)), (s + s) * series).value

    return value(value), code


@inline
def where_above(typing_context: Any, value: Lanes, floor: Lanes, chosen: Lanes) -> Any:
    """Return, lane by lane, `chosen` where `value` is above `floor`, and 0 elsewhere."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        above = builder.fcmp_ordered(">", args[0], args[1])
        return builder.select(above, args[2], constant(builder, 0.0, chosen).value)

    return chosen(value, floor, chosen), code


def swapping(distance: int) -> Any:
    """Return the function that exchanges each lane with the one so far away: 1, 2 or 4."""

    @inline
    def swapped(typing_context: Any, value: Lanes) -> Any:
        def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
            places = [place ^ distance for place in range(value.count)]
            return builder.shuffle_vector(args[0], args[0], _integers(places))

        return value(value), code

    return swapped


@inline
def interleave(
    typing_context: Any,
    audio: types.Array,
    row: types.Integer,
    count: types.Integer,
    at: types.Integer,
    out: types.Array,
    to: types.Integer,
) -> Any:
    """Write `WIDE_LANES` samples of `count` rows of an array as rows of float64; lanes after these are 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        rows = []
        samples, target = (Memory(context, builder, signature.args[k], args[k]) for k in (0, 4))
        stride = builder.extract_value(context.make_array(audio)(context, builder, args[0]).shape, 1)
        for k in range(WIDE_LANES):
            there = builder.icmp_signed("<", index(builder, k), args[2])
            place = builder.add(args[1], builder.select(there, index(builder, k), index(builder, 0)))
            found = samples.load(builder.add(builder.mul(place, stride), args[3]), _SHORT).value
            rows.append(Emitted(builder, builder.select(there, found, constant(builder, 0.0, _SHORT).value)))
        for k, value in enumerate(transposed(builder, rows)):
            wide = Emitted(builder, builder.fpext(value.value, _LANES[types.float64].vector))
            target.store(builder.add(args[5], index(builder, WIDE_LANES * k)), wide)
        return context.get_dummy_value()

    return types.void(audio, types.intp, types.intp, types.intp, out, types.intp), code


def _define(operation: Callable[[Any, Any], Any]) -> None:
    @inline
    def calculate(typing_context: Any, one: Lanes, other: Lanes) -> Any:
        def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
            result: Emitted = operation(Emitted(builder, args[0]), Emitted(builder, args[1]))
            return result.value

        return one(one, other), code

    @overload(operation, strict=False)  # strict compares annotations as well, which a lambda has none of
    def typed(one: Any, other: Any) -> Any:
        return (lambda one, other: calculate(one, other)) if isinstance(one, Lanes) and one == other else None


for _operation in (operator.add, operator.sub, operator.mul, operator.truediv):
    _define(_operation)
