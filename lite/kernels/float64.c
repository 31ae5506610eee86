/* float64: two numbers a register, and NumPy's loop for `np.matmul`. */

#include "loop.h"

typedef double NUMBER;
typedef double PACKED;
typedef double SUM;
#define LANES 2
#define ZERO wasm_f64x2_const_splat(0)
#define SPLAT(address) wasm_v128_load64_splat(address)
#define ADD wasm_f64x2_add
#ifdef __wasm_relaxed_simd__
#define MULTIPLY_ADD(x, y, sum) wasm_f64x2_relaxed_madd(x, y, sum)
#else
#define MULTIPLY_ADD(x, y, sum) wasm_f64x2_add(sum, wasm_f64x2_mul(x, y))
#endif
#define STEPS(depth) (depth)
#define PACKED_IS_PLAIN 1

/* Two rows of two numbers, turned so that the rows are columns. */
INLINE void transpose(double *out, size step, const char *from, size across) {
    v128_t r0 = wasm_v128_load(from), r1 = wasm_v128_load(from + across);
    wasm_v128_store(out, wasm_i64x2_shuffle(r0, r1, 0, 2));
    wasm_v128_store(out + step, wasm_i64x2_shuffle(r0, r1, 1, 3));
}

#include "pack.h"
#include "matmul.h"

#define EXPORT_LOOP EXPORT(float64_matmul)
#include "matmul_loop.h"
