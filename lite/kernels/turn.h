/* Four registers of four 32-bit numbers, turned so that rows become columns; each column goes `step` numbers further. */

INLINE void store_turned(int32_t *out, size step, v128_t r0, v128_t r1, v128_t r2, v128_t r3) {
    v128_t low01 = wasm_i32x4_shuffle(r0, r1, 0, 4, 1, 5), high01 = wasm_i32x4_shuffle(r0, r1, 2, 6, 3, 7);
    v128_t low23 = wasm_i32x4_shuffle(r2, r3, 0, 4, 1, 5), high23 = wasm_i32x4_shuffle(r2, r3, 2, 6, 3, 7);
    wasm_v128_store(out, wasm_i64x2_shuffle(low01, low23, 0, 2));
    wasm_v128_store(out + step, wasm_i64x2_shuffle(low01, low23, 1, 3));
    wasm_v128_store(out + 2 * step, wasm_i64x2_shuffle(high01, high23, 0, 2));
    wasm_v128_store(out + 3 * step, wasm_i64x2_shuffle(high01, high23, 1, 3));
}
