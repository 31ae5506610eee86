/* int8 x int8 -> int32: the float kernel with another multiplication, and the ways to codes and back.

   One SIMD instruction (i32x4.dot_i16x8_s) multiplies eight pairs of 16-bit numbers and adds the products two by two
   into four 32-bit sums. So the operands are packed as pairs: two neighbours along the inner axis, widened to 16 bits,
   share one 32-bit lane, and a step of the inner loop does two steps of the sum. Twice the products of float32 for
   each instruction, and each product is exact. */

#include "loop.h"
#include "turn.h"

typedef int8_t NUMBER;
typedef int32_t PACKED;
typedef int32_t SUM;
#define LANES 4
#define ZERO wasm_i32x4_const_splat(0)
#define SPLAT(address) wasm_v128_load32_splat(address)
#define ADD wasm_i32x4_add
#define MULTIPLY_ADD(x, y, sum) wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(x, y))
#define STEPS(depth) (((depth) + 1) / 2)
#define PACKED_IS_PLAIN 0

INLINE int32_t pair(int first, int second) {
    return (first & 0xffff) | (int32_t)((uint32_t)second << 16);
}

/* Any layout; an odd depth and missing lines are filled with 0. */
INLINE void pack_one_by_one(int32_t *out, const char *from, size across, size along, size lines, size depth, int width) {
    for (size k = 0; k < depth; k += 2, from += 2 * along, out += width)
        for (int line = 0; line < width; line++) {
            const char *at = from + line * across;
            out[line] = line < lines ? pair(*(int8_t *)at, k + 1 < depth ? *(int8_t *)(at + along) : 0) : 0;
        }
}

/* Eight lines side by side: two steps are widened and their numbers interleaved. */
INLINE void pack_by_interleaving(int32_t *out, const char *from, size along, size depth) {
    size k = 0;
    for (; k + 2 <= depth; k += 2, from += 2 * along, out += 8) {
        v128_t even = wasm_i16x8_load8x8(from), odd = wasm_i16x8_load8x8(from + along);
        wasm_v128_store(out, wasm_i16x8_shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
        wasm_v128_store(out + 4, wasm_i16x8_shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
    }
    pack_one_by_one(out, from, 1, along, 8, depth - k, 8);
}

/* Each line contiguous: eight numbers of it are four pairs, and squares of pairs are turned. */
INLINE void pack_by_turning(int32_t *out, const char *from, size across, size depth, int width) {
    size k = 0;
    for (; k + 8 <= depth; k += 8, from += 8, out += 4 * width)
        for (int line = 0; line < width; line += 4) {
            const char *at = from + line * across;
            store_turned(out + line, width, wasm_i16x8_load8x8(at), wasm_i16x8_load8x8(at + across),
                         wasm_i16x8_load8x8(at + 2 * across), wasm_i16x8_load8x8(at + 3 * across));
        }
    pack_one_by_one(out, from, across, 1, width, depth - k, width);
}

INLINE void pack(int32_t *out, const char *from, size across, size along, size lines, size depth, int width) {
    if (lines == width && width == 8 && across == 1) pack_by_interleaving(out, from, along, depth);
    else if (lines == width && along == 1) pack_by_turning(out, from, across, depth, width);
    else pack_one_by_one(out, from, across, along, lines, depth, width);
}

#include "matmul.h"

/* NumPy has no loop from int8 to int32, so this one is called by itself. */
EXPORT(int8_matmul)(char *a, size a_down, size a_right, char *b, size b_down, size b_right, char *c, size rows,
                    size depth, size columns, char *scratch) {
    matrix left = {a, a_down, a_right}, right = {b, b_down, b_right};
    matrix product = {c, columns * (size)sizeof(int32_t), sizeof(int32_t)};
    multiply_either_way(rows, columns, depth, left, right, product, divide(scratch));
}

/* Four numbers as codes: divided, rounded (halves to even, as NumPy does), moved by the zero point. */
INLINE v128_t four_codes(const float *x, v128_t scale, v128_t zero_point) {
    v128_t steps = wasm_f32x4_nearest(wasm_f32x4_div(wasm_v128_load(x), scale));
    return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_add(steps, zero_point));
}

/* Numbers to codes in one pass. Making them narrower saturates, so nothing has to be clipped. */
EXPORT(int8_codes)(const float *x, int8_t *out, size count, float scale, float zero_point) {
    v128_t scales = wasm_f32x4_splat(scale), zero_points = wasm_f32x4_splat(zero_point);
    for (; count >= 16; count -= 16, x += 16, out += 16) {
        v128_t low = wasm_i16x8_narrow_i32x4(four_codes(x, scales, zero_points), four_codes(x + 4, scales, zero_points));
        v128_t high = wasm_i16x8_narrow_i32x4(four_codes(x + 8, scales, zero_points), four_codes(x + 12, scales, zero_points));
        wasm_v128_store(out, wasm_i8x16_narrow_i16x8(low, high));
    }
    for (; count > 0; count--, x++, out++) {
        v128_t step = wasm_f32x4_nearest(wasm_f32x4_div(wasm_v128_load32_splat(x), scales));
        v128_t code = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_add(step, zero_points));
        code = wasm_i16x8_narrow_i32x4(code, code);
        *out = (int8_t)wasm_i8x16_extract_lane(wasm_i8x16_narrow_i16x8(code, code), 0);
    }
}

/* Sums of products of codes to numbers in one pass: (sum - offset) * scale + bias. Of these three there is one for each
   column, or, where `by_row` is set, one for each row. Not fused, so that the results are NumPy's to the last bit. */
EXPORT(int8_rescale)(const int32_t *sums, const int32_t *offsets, const float *scales, const float *biases, float *out,
                     size rows, size columns, int by_row) {
    size step = by_row ? 0 : 1;
    for (size i = 0; i < rows; i++, sums += columns, out += columns) {
        const int32_t *offset = offsets + (by_row ? i : 0);
        const float *scale = scales + (by_row ? i : 0), *bias = biases + (by_row ? i : 0);
        size j = 0;
        for (; j + 4 <= columns; j += 4) {
            v128_t o = step ? wasm_v128_load(offset + j) : wasm_v128_load32_splat(offset);
            v128_t s = step ? wasm_v128_load(scale + j) : wasm_v128_load32_splat(scale);
            v128_t b = step ? wasm_v128_load(bias + j) : wasm_v128_load32_splat(bias);
            v128_t number = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(wasm_v128_load(sums + j), o));
            wasm_v128_store(out + j, wasm_f32x4_add(wasm_f32x4_mul(number, s), b));
        }
        for (; j < columns; j++) {
            v128_t o = wasm_v128_load32_splat(offset + j * step), s = wasm_v128_load32_splat(scale + j * step);
            v128_t number = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(wasm_v128_load32_splat(sums + j), o));
            number = wasm_f32x4_add(wasm_f32x4_mul(number, s), wasm_v128_load32_splat(bias + j * step));
            wasm_v128_store32_lane(out + j, number, 0);
        }
    }
}

/* Some bytes from one place to another; the last register reaches back into bytes that were written before. */
INLINE void copy_line(int8_t *out, const int8_t *from, size count) {
    size i = 0;
    if (count >= 16) {
        for (; i + 16 <= count; i += 16) wasm_v128_store(out + i, wasm_v128_load(from + i));
        if (i < count) wasm_v128_store(out + count - 16, wasm_v128_load(from + count - 16));
    } else if (count >= 8) {
        wasm_v128_store64_lane(out, wasm_v128_load64_zero(from), 0);
        wasm_v128_store64_lane(out + count - 8, wasm_v128_load64_zero(from + count - 8), 0);
    } else
        for (; i < count; i++) out[i] = from[i];
}

/* im2col of int8 images: for each channel and each place in a window, line by line, what all windows of all images have
   there. The images lie anywhere, `channel`, `image` and `line` bytes apart, the pixels of a line side by side. */
EXPORT(int8_columns)(const int8_t *images, size channel, size image, size line, int8_t *out, size channels, size count,
                     size rows, size columns, size high, size wide, size down, size right) {
    for (size c = 0; c < channels; c++)
        for (size i = 0; i < rows; i++)
            for (size j = 0; j < columns; j++)
                for (size n = 0; n < count; n++) {
                    const int8_t *from = images + c * channel + n * image + i * line + j;
                    for (size h = 0; h < high; h++, from += down * line, out += wide)
                        if (right == 1) copy_line(out, from, wide);
                        else
                            for (size w = 0; w < wide; w++) out[w] = from[w * right];
                }
}

/* How many of some numbers are NaN or infinite: those with all bits of the exponent set. */
EXPORT(int8_count_odd)(const float *x, size count, int32_t *odd) {
    v128_t exponent = wasm_i32x4_splat(0x7f800000), found = wasm_i32x4_const_splat(0);
    for (; count >= 4; count -= 4, x += 4)
        found = wasm_i32x4_sub(found, wasm_i32x4_eq(wasm_v128_and(wasm_v128_load(x), exponent), exponent));
    *odd = wasm_i32x4_extract_lane(found, 0) + wasm_i32x4_extract_lane(found, 1) + wasm_i32x4_extract_lane(found, 2) +
           wasm_i32x4_extract_lane(found, 3);
    for (; count > 0; count--, x++) *odd += (*(const int32_t *)x & 0x7f800000) == 0x7f800000;
}

/* How much scratch memory all kernels need; nothing of it is kept from one call to the next, so they share it. */
__attribute__((export_name("scratch_bytes"))) size scratch_bytes(void) {
    return SCRATCH_BYTES;
}
