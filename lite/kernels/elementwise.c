/* float32, element by element: exp and tanh four at a time, and the arithmetic that NumPy was compiled to do one by
   one. NumPy's loops get `counts[0]` elements and the bytes between neighbours of each operand. */

#include "loop.h"

typedef v128_t four;

/* A number in all four lanes. The empty assembly hides from the compiler that it is constant: else it is written into
   every place that uses it, and the browser's compiler makes it anew there in each turn of the loop. Hidden, it is made
   once before the loop; exp takes half the time. */
INLINE four all(float x) {
    four lanes = wasm_f32x4_splat(x);
    __asm__("" : "+r"(lanes));
    return lanes;
}

/* Groups of four may be read and then written if nothing is written before its turn to be read: the result begins at the
   operand, before it, or behind all of it. A number that is read again and again (stride 0) must lie outside. */
INLINE int in_step(const char *operand, const char *result, size stride, size count) {
    size ahead = result - operand;
    if (stride == 0) return ahead >= (size)sizeof(float) || -ahead >= count * (size)sizeof(float);
    return ahead <= 0 || ahead >= count * stride;
}

/* One step of Horner's rule for polynomials: sum * x + next. */
INLINE four horner(four x, four sum, four next) {
#ifdef __wasm_relaxed_simd__
    return wasm_f32x4_relaxed_madd(sum, x, next);
#else
    return wasm_f32x4_add(wasm_f32x4_mul(sum, x), next);
#endif
}

/* Added to a number below 2^22 and taken away again, it leaves the nearest whole number; and before it is taken away,
   that whole number stands in the lowest bits. Faster than the instructions for rounding and converting. */
#define ROUNDER 12582912.0f  /* 1.5 * 2^23 */

/* 2^n, written into the exponent of a float; n from -126 to 127, given as a whole number. */
INLINE four power_of_two(four n) {
    return wasm_i32x4_shl(wasm_i32x4_add(n, wasm_i32x4_const_splat(127)), 23);
}

/* e^x = 2^n * e^r with n whole and |r| <= ln(2) / 2. Returns e^r - 1 = r + r^2 * p(r), and n in whole numbers.
   ln(2) is split in two parts, the first with so few bits that n times it is exact. The coefficients of p are those
   whose largest error on that interval is least (3e-9). */
INLINE four exponential_of_rest(four x, four *whole) {
    four rounded = horner(x, all(1.44269504f), all(ROUNDER)), n = wasm_f32x4_sub(rounded, all(ROUNDER));
    four r = horner(n, all(-0.693145751953125f), x);
    r = horner(n, all(-1.42860677e-6f), r);
    four p = horner(r, all(0.00139504892f), all(0.0083688898f));
    p = horner(r, p, all(0.0416662060f));
    p = horner(r, p, all(0.1666651815f));
    p = horner(r, p, all(0.5f));
    *whole = wasm_i32x4_sub(rounded, all(ROUNDER));
    return horner(wasm_f32x4_mul(r, r), p, r);
}

/* e^x for every x: 2^n is applied in two halves, for n reaches from -150, where results are subnormal, to 128, where
   they overflow. Beyond -104 and 89 the result is 0 and infinity, as at these ends. NaN passes through. */
INLINE four exponential(four x) {
    four whole, bounded = wasm_f32x4_pmax(wasm_f32x4_pmin(x, all(89.0f)), all(-104.0f));
    four e = wasm_f32x4_add(exponential_of_rest(bounded, &whole), all(1.0f)), half = wasm_i32x4_shr(whole, 1);
    e = wasm_f32x4_mul(e, power_of_two(half));
    return wasm_f32x4_mul(e, power_of_two(wasm_i32x4_sub(whole, half)));
}

/* tanh(x) = t / (t + 2) with t = e^(2x) - 1 = 2^n * (e^r - 1) + (2^n - 1), in which nothing cancels for x >= 0, however
   near to 0; so it is computed for |x|, and the sign is put back at the end, also -0's. From 10 on it is 1. */
INLINE four tangent(four x) {
    four whole, bounded = wasm_f32x4_pmin(wasm_f32x4_abs(x), all(10.0f));
    four rest = exponential_of_rest(wasm_f32x4_add(bounded, bounded), &whole), power = power_of_two(whole);
    four t = horner(rest, power, wasm_f32x4_sub(power, all(1.0f)));
    four positive = wasm_f32x4_div(t, wasm_f32x4_add(t, all(2.0f)));
    return wasm_v128_bitselect(x, positive, wasm_i32x4_const_splat((int32_t)0x80000000));
}

/* NumPy's maximum: the first operand if it is at least the second or not a number, else the second. */
INLINE four larger(four x, four y) {
    return wasm_v128_bitselect(x, y, wasm_v128_or(wasm_f32x4_ge(x, y), wasm_f32x4_ne(x, x)));
}

INLINE four smaller(four x, four y) {
    return wasm_v128_bitselect(x, y, wasm_v128_or(wasm_f32x4_le(x, y), wasm_f32x4_ne(x, x)));
}

/* A function of one operand: groups of four where the memory allows it, the rest one by one with the same arithmetic,
   so that an element's value does not depend on where it lies. */
#define UNARY(name, function)                                                                                 \
    EXPORT(name)(char **operands, const size *counts, const size *strides, void *own) {                       \
        const char *in = operands[0];                                                                         \
        char *out = operands[1];                                                                              \
        size left = counts[0];                                                                                \
        ((context *)own)->calls++;                                                                            \
        if (strides[0] == sizeof(float) && strides[1] == sizeof(float) && in_step(in, out, strides[0], left)) \
            for (; left >= 4; left -= 4, in += 16, out += 16)                                                 \
                wasm_v128_store(out, function(wasm_v128_load(in)));                                           \
        for (; left > 0; left--, in += strides[0], out += strides[1])                                         \
            wasm_v128_store32_lane(out, function(wasm_v128_load32_splat(in)), 0);                             \
    }

UNARY(float32_exp, exponential)
UNARY(float32_tanh, tangent)
UNARY(float32_sqrt, wasm_f32x4_sqrt)
UNARY(float32_negative, wasm_f32x4_neg)
UNARY(float32_absolute, wasm_f32x4_abs)

/* Four numbers of an operand: its next four, or one number four times if its stride is 0. */
INLINE four load(const char *at, size stride) {
    return stride ? wasm_v128_load(at) : wasm_v128_load32_splat(at);
}

INLINE int loadable(const char *operand, const char *result, size stride, size count) {
    return (stride == sizeof(float) || stride == 0) && in_step(operand, result, stride, count);
}

/* A function of two operands, for results that lie side by side; everything else is NumPy's own loop's: reductions,
   running totals, strided views. */
#define BINARY(name, function)                                                                                 \
    EXPORT(name)(char **operands, const size *counts, const size *strides, void *own) {                        \
        const char *x = operands[0], *y = operands[1];                                                         \
        char *out = operands[2];                                                                               \
        size left = counts[0], x_stride = strides[0], y_stride = strides[1];                                   \
        context *context_ = own;                                                                               \
        context_->calls++;                                                                                     \
        if (strides[2] != sizeof(float) || !loadable(x, out, x_stride, left) || !loadable(y, out, y_stride, left)) { \
            context_->original(operands, counts, strides, context_->original_own);                             \
            return;                                                                                            \
        }                                                                                                      \
        for (; left >= 4; left -= 4, x += 4 * x_stride, y += 4 * y_stride, out += 16)                          \
            wasm_v128_store(out, function(load(x, x_stride), load(y, y_stride)));                              \
        for (; left > 0; left--, x += x_stride, y += y_stride, out += sizeof(float))                           \
            wasm_v128_store32_lane(out, function(wasm_v128_load32_splat(x), wasm_v128_load32_splat(y)), 0);    \
    }

BINARY(float32_maximum, larger)
BINARY(float32_minimum, smaller)
BINARY(float32_add, wasm_f32x4_add)
BINARY(float32_subtract, wasm_f32x4_sub)
BINARY(float32_multiply, wasm_f32x4_mul)
BINARY(float32_divide, wasm_f32x4_div)
