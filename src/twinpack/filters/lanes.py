"""A Numba type that holds one number for each of several vehicles, with its arithmetic.

A block is an LLVM vector of 16 doubles or 32 floats; comparing two gives a mask. LLVM cuts a vector to the registers
the machine has, so the same kernel runs with AVX-512, AVX2, NEON or SSE, and what happens in a lane cannot depend on
its neighbours. Sums of products may be fused; nothing else of the arithmetic is relaxed, NaN least of all.

Importing this module imports Numba.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

WIDTH = {"float64": 16, "float32": 32}
"""Vehicles in a block: enough to keep the arithmetic units busy, few enough for the registers."""

_FUSED = ("contract", "nsz")
_I32 = ir.IntType(32)


class Lanes(types.Type):
    """One number a lane."""

    def __init__(self, dtype: Any) -> None:
        """Take the Numba type of the numbers."""
        self.dtype = dtype
        self.width = WIDTH[str(dtype)]
        super().__init__(name=f"Lanes({dtype})")


class Mask(types.Type):
    """One truth value a lane."""

    def __init__(self, width: int) -> None:
        """Take the number of lanes."""
        self.width = width
        super().__init__(name=f"Mask({width})")


def _element(dtype: Any) -> ir.Type:
    return ir.DoubleType() if dtype == types.float64 else ir.FloatType()


def _vector(of: Lanes) -> ir.VectorType:
    return ir.VectorType(_element(of.dtype), of.width)


def _integers(of: Lanes) -> ir.VectorType:
    return ir.VectorType(ir.IntType(64 if of.dtype == types.float64 else 32), of.width)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Lanes) -> None:
        super().__init__(manager, of, _vector(of))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Mask) -> None:
        super().__init__(manager, of, ir.VectorType(ir.IntType(1), of.width))


def _typed(function: Any, result: Callable[[Any], Any], kind: type, arity: int) -> None:
    """Let Numba know the type of an operator whose operands are all of one lane type."""

    class _Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == arity and all(isinstance(one, kind) for one in args) and len(set(args)) == 1:
                return signature(result(args[0]), *args)
            return None

    infer_global(function)(_Template)


def _arithmetic(function: Any, instruction: str) -> None:
    _typed(function, lambda of: of, Lanes, 2)

    @lower_builtin(function, Lanes, Lanes)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args, flags=_FUSED)


def _comparison(function: Any, symbol: str) -> None:
    _typed(function, lambda of: Mask(of.width), Lanes, 2)

    @lower_builtin(function, Lanes, Lanes)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        # Ordered: a comparison with NaN is false, but for "not equal".
        compare = builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered
        return compare(symbol, *args)


def _logic(function: Any, instruction: str) -> None:
    _typed(function, lambda of: of, Mask, 2)

    @lower_builtin(function, Mask, Mask)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)


for _function, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_function, _instruction)
for _function, _symbol in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    _comparison(_function, _symbol)
_logic(operator.and_, "and_")
_logic(operator.or_, "or_")

_typed(operator.neg, lambda of: of, Lanes, 1)
_typed(operator.invert, lambda of: of, Mask, 1)


@lower_builtin(operator.neg, Lanes)
def _lower_neg(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(args[0])


@lower_builtin(operator.invert, Mask)
def _lower_invert(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.not_(args[0])


def _spread(builder: Any, value: Any, of: ir.VectorType) -> Any:
    one = builder.insert_element(ir.Constant(of, ir.Undefined), value, _I32(0))
    first = ir.Constant(ir.VectorType(_I32, of.count), None)
    return builder.shuffle_vector(one, ir.Constant(of, ir.Undefined), first)


def _pointer(context: Any, builder: Any, array: Any, value: Any, indices: Any) -> Any:
    made = context.make_array(array)(context, builder, value)
    return cgutils.get_item_pointer(context, builder, array, made, indices, wraparound=False)


def _as_vector(builder: Any, pointer: Any, of: ir.VectorType) -> Any:
    return builder.bitcast(pointer, of.as_pointer())


@intrinsic
def spread(typing: Any, value: Any) -> Any:
    """The same number in every lane."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _spread(builder, args[0], _vector(sig.return_type))

    return Lanes(value)(value), lower


@intrinsic
def load(typing: Any, array: Any, row: Any, column: Any) -> Any:
    """`array[row, column:column + width]`."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1:])
        bytes_each = 8 if array.dtype == types.float64 else 4
        return builder.load(_as_vector(builder, pointer, _vector(sig.return_type)), align=bytes_each)

    return Lanes(array.dtype)(array, row, column), lower


@intrinsic
def store(typing: Any, array: Any, row: Any, column: Any, value: Any) -> Any:
    """`array[row, column:column + width] = value`."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1:3])
        bytes_each = 8 if array.dtype == types.float64 else 4
        builder.store(args[3], _as_vector(builder, pointer, _vector(value)), align=bytes_each)
        return context.get_dummy_value()

    return types.void(array, row, column, value), lower


@intrinsic
def load_mask(typing: Any, like: Any, array: Any, row: Any, column: Any) -> Any:
    """Which of `array[row, column:column + width]`, booleans, are true; as wide as blocks of the array `like`."""
    width = WIDTH[str(like.dtype)]

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        of = ir.VectorType(ir.IntType(8), width)
        pointer = _pointer(context, builder, array, args[1], args[2:])
        value = builder.load(_as_vector(builder, pointer, of), align=1)
        return builder.icmp_unsigned("!=", value, ir.Constant(of, None))

    return Mask(width)(like, array, row, column), lower


@intrinsic
def select(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    """`yes` where the mask holds, else `no`."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(*args)

    return yes(mask, yes, no), lower


def _of_llvm(name: str) -> Any:
    """A function of one vector that LLVM has itself."""

    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            suffix = f"v{x.width}f{32 if x.dtype == types.float32 else 64}"
            kind = ir.FunctionType(_vector(x), [_vector(x)])
            declared = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.{suffix}")
            return builder.call(declared, args)

        return x(x), lower

    return function


sqrt, size_of, floor = _of_llvm("sqrt"), _of_llvm("fabs"), _of_llvm("floor")


@intrinsic
def gather(typing: Any, table: Any, first: Any, x: Any) -> Any:
    """`table[first + x]` lane by lane; `x` holds whole numbers that are in range (NaN reads at `first`)."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        made = context.make_array(table)(context, builder, args[0])
        # A NaN has no place in the table: it must not become an address.
        known = builder.fcmp_ordered("ord", args[2], args[2])
        place = builder.select(known, args[2], ir.Constant(_vector(x), None))
        index = builder.fptosi(place, ir.VectorType(_I32, x.width))
        base = builder.gep(made.data, [args[1]])
        value = ir.Constant(_vector(x), ir.Undefined)
        for lane in range(x.width):
            at = builder.sext(builder.extract_element(index, _I32(lane)), ir.IntType(64))
            value = builder.insert_element(value, builder.load(builder.gep(base, [at])), _I32(lane))
        return value

    return x(table, first, x), lower


def _bits(of: Lanes) -> tuple[int, int]:
    """Bits of the fraction, and bias of the exponent."""
    return (52, 1023) if of.dtype == types.float64 else (23, 127)


@intrinsic
def power_of_two(typing: Any, shifted: Any) -> Any:
    """2 to the power n, from n plus 1.5 times 2 to the number of fraction bits, whose lowest bits are n."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        fraction, bias = _bits(shifted)
        whole = _integers(shifted)
        bits = builder.bitcast(args[0], whole)
        exponent = builder.shl(bits, ir.Constant(whole, [fraction] * shifted.width))
        biased = builder.add(exponent, ir.Constant(whole, [bias << fraction] * shifted.width))
        return builder.bitcast(biased, _vector(shifted))

    return shifted(shifted), lower


@intrinsic
def exponent(typing: Any, x: Any) -> Any:
    """Exponent of positive normal numbers, as a number."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        fraction, bias = _bits(x)
        whole = _integers(x)
        bits = builder.lshr(builder.bitcast(args[0], whole), ir.Constant(whole, [fraction] * x.width))
        return builder.sitofp(builder.sub(bits, ir.Constant(whole, [bias] * x.width)), _vector(x))

    return x(x), lower


@intrinsic
def significand(typing: Any, x: Any) -> Any:
    """Significand of positive normal numbers, 1 to 2."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        fraction, bias = _bits(x)
        whole = _integers(x)
        bits = builder.and_(builder.bitcast(args[0], whole), ir.Constant(whole, [(1 << fraction) - 1] * x.width))
        unit = builder.or_(bits, ir.Constant(whole, [bias << fraction] * x.width))
        return builder.bitcast(unit, _vector(x))

    return x(x), lower


@intrinsic
def like(typing: Any, x: Any, value: Any) -> Any:
    """A number in every lane, in the precision of `x`."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        number = context.cast(builder, args[1], value, x.dtype)
        return _spread(builder, number, _vector(x))

    return x(x, value), lower


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function of kernels into whatever calls it."""
    return njit(forceinline=True, error_model="numpy")(function)
