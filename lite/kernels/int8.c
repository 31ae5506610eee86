/* int8 x int8 -> int32: the float kernel with another multiplication.

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

/* How much scratch memory all kernels need; nothing of it is kept from one call to the next, so they share it. */
__attribute__((export_name("scratch_bytes"))) size scratch_bytes(void) {
    return SCRATCH_BYTES;
}
