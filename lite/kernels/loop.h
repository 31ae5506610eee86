/* What every kernel here has in common: how NumPy calls an inner loop, and what our loops are given besides.

   NumPy computes `a @ b` or `np.exp(a)` by calling a C function for the numbers' type, a "loop", with four arguments:
   the addresses of the operands and of the result, how many elements there are, how many bytes lie between neighbours
   (the strides, which may be zero or negative), and one pointer of the loop's own. We fill that pointer with a
   `context`, so that these functions need no variable of their own: the module has code and nothing else, and can
   share the memory of the running Python without a chance to write over it. */

#pragma once

#include <stdint.h>
#include <wasm_simd128.h>

typedef intptr_t size;  /* NumPy's npy_intp: 32 bits in WebAssembly */

typedef void loop(char **operands, const size *counts, const size *strides, void *own);

typedef struct {
    loop *original;       /* NumPy's own loop, for what a kernel leaves to it */
    void *original_own;   /* and the pointer that one expects */
    char *scratch;        /* working memory, SCRATCH_BYTES of it */
    uint32_t calls;       /* how often this loop was called; proves that NumPy does call it */
} context;

#define SCRATCH_BYTES ((64 * 256 + 256 * 256 + 32) * (size)sizeof(double))  /* see the block sizes in matmul.h */
#define EXPORT(name) __attribute__((export_name(AS_TEXT(name)))) void name
#define AS_TEXT(name) #name
#define INLINE static inline __attribute__((always_inline))
