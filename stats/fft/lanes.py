"""Eight float32 at once in compiled functions: a number type of numba that is a vector of the processor.

Rows of eight are read from and written to float32 arrays of one dimension, in which row k begins at 8 k. Where the
processor's vectors are shorter, LLVM splits them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.extending import intrinsic, overload, register_model

LANES = 8
_IR = ir.VectorType(ir.FloatType(), LANES)
_FLAGS = ("contract", "nsz")


class Lanes(types.Type):
    """The type of eight float32."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


lanes = Lanes()


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Lanes) -> None:
        super().__init__(manager, of, _IR)


class Emitted:
    """Eight float32 while code is generated: arithmetic on it emits instructions.

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


class Memory:
    """A float32 array while code is generated."""

    def __init__(self, context: Any, builder: ir.IRBuilder, of: types.Array, array: ir.Value) -> None:
        self._builder = builder
        self._data = context.make_array(of)(context, builder, array).data

    def load(self, index: ir.Value) -> Emitted:
        """Emit a load of eight numbers from an index on."""
        vector = self._builder.bitcast(self._builder.gep(self._data, [index]), _IR.as_pointer())
        return Emitted(self._builder, self._builder.load(vector, align=4))

    def store(self, index: ir.Value, value: Emitted) -> None:
        """Emit a store of eight numbers from an index on."""
        vector = self._builder.bitcast(self._builder.gep(self._data, [index]), _IR.as_pointer())
        self._builder.store(value.value, vector, align=4)

    def spread(self, index: ir.Value) -> Emitted:
        """Emit a load of one number into all lanes."""
        return Emitted(self._builder, spread(self._builder, self._builder.load(self._builder.gep(self._data, [index]))))


def spread(builder: ir.IRBuilder, number: ir.Value) -> ir.Value:
    """Emit a vector that holds one number in all lanes."""
    one = builder.insert_element(ir.Constant(_IR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, ir.Constant(_IR, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def constant(builder: ir.IRBuilder, number: float) -> Emitted:
    """A number in all lanes."""
    return Emitted(builder, ir.Constant(_IR, [ir.Constant(ir.FloatType(), number)] * LANES))


def transposed(builder: ir.IRBuilder, rows: Sequence[Emitted]) -> list[Emitted]:
    """Emit the transpose of eight rows of eight, in three steps of two-row shuffles."""

    def shuffled(one: ir.Value, other: ir.Value, which: Sequence[int]) -> ir.Value:
        return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(which)))

    values, width = [row.value for row in rows], LANES // 2
    while width:
        # Exchanges the upper half of each row's blocks with the lower half of the row's that is `width` below.
        low = [n if n & width == 0 else n - width + LANES for n in range(LANES)]
        high = [n + width if n & width == 0 else n + LANES for n in range(LANES)]
        for k in range(LANES):
            if k & width == 0:
                one, other = values[k], values[k + width]
                values[k], values[k + width] = shuffled(one, other, low), shuffled(one, other, high)
        width //= 2
    return [Emitted(builder, value) for value in values]


def index(builder: ir.IRBuilder, number: int) -> ir.Constant:
    """An index that is known when code is generated."""
    return ir.Constant(ir.IntType(64), number)


@intrinsic
def load(typing_context: Any, array: types.Array, at: types.Integer) -> Any:
    """Return the eight numbers of a float32 array of one dimension that begin at an index, which is not checked."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return Memory(context, builder, signature.args[0], args[0]).load(args[1]).value

    return lanes(array, types.intp), code


@intrinsic
def store(typing_context: Any, array: types.Array, at: types.Integer, value: Lanes) -> Any:
    """Write eight numbers into a float32 array of one dimension from an index on, which is not checked."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        Memory(context, builder, signature.args[0], args[0]).store(args[1], Emitted(builder, args[2]))
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@intrinsic
def all_of(typing_context: Any, number: types.Float) -> Any:
    """Return one number in all lanes."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return spread(builder, args[0])

    return lanes(types.float32), code


@intrinsic
def root(typing_context: Any, value: Lanes) -> Any:
    """Return the square root of each lane."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_IR, [_IR]), f"llvm.sqrt.v{LANES}f32"
        )
        return builder.call(function, args)

    return lanes(lanes), code


@intrinsic
def where_above(typing_context: Any, value: Lanes, floor: Lanes, chosen: Lanes) -> Any:
    """Return, lane by lane, `chosen` where `value` is above `floor`, and 0 elsewhere."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        above = builder.fcmp_ordered(">", args[0], args[1])
        return builder.select(above, args[2], ir.Constant(_IR, [ir.Constant(ir.FloatType(), 0.0)] * LANES))

    return lanes(lanes, lanes, lanes), code


def _define(operation: Callable[[Any, Any], Any]) -> None:
    @intrinsic
    def calculate(typing_context: Any, one: Lanes, other: Lanes) -> Any:
        def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
            result: Emitted = operation(Emitted(builder, args[0]), Emitted(builder, args[1]))
            return result.value

        return lanes(lanes, lanes), code

    @overload(operation, strict=False)  # strict compares annotations as well, which a lambda has none of
    def typed(one: Any, other: Any) -> Any:
        return (lambda one, other: calculate(one, other)) if isinstance(one, Lanes) and one == other else None


for _operation in (operator.add, operator.sub, operator.mul, operator.truediv):
    _define(_operation)
