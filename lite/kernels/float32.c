/* float32: four numbers a register, and NumPy's loop for `np.matmul`. */

#include "loop.h"
#include "turn.h"

typedef float SUM;
typedef float NUMBER;
typedef float PACKED;
#define LANES 4
#define ZERO wasm_f32x4_const_splat(0)
#define SPLAT(address) wasm_v128_load32_splat(address)
#define ADD wasm_f32x4_add
#ifdef __wasm_relaxed_simd__
#define MULTIPLY_ADD(x, y, sum) wasm_f32x4_relaxed_madd(x, y, sum)  /* rounds once where the processor can */
#else
#define MULTIPLY_ADD(x, y, sum) wasm_f32x4_add(sum, wasm_f32x4_mul(x, y))
#endif
#define STEPS(depth) (depth)
#define PACKED_IS_PLAIN 1

/* Four rows of four numbers, turned so that the rows are columns. */
INLINE void transpose(float *out, size step, const char *from, size across) {
    store_turned((int32_t *)out, step, wasm_v128_load(from), wasm_v128_load(from + across),
                 wasm_v128_load(from + 2 * across), wasm_v128_load(from + 3 * across));
}

#include "pack.h"
#include "matmul.h"

#define EXPORT_LOOP EXPORT(float32_matmul)
#include "matmul_loop.h"
