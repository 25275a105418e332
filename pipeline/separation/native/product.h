/* The product of rows by a packed matrix, for each kind of processor.
 *
 * A row may lie in several arrays: a convolution is a product whose rows are its taps. The matrix (K, N) is packed in
 * panels of 16 columns: [N/16][K/STEP][16][STEP], STEP values of a column side by side, K of each array padded to DEPTH.
 * Rows are read and written up to the next whole ROWS, so that arrays have that much room behind them. */
#pragma once
#include "vector.h"

#define PANEL 16
#if defined(AMX)
#define DEPTH 32
#define STEP 2
#elif defined(BF16)
#define DEPTH 2
#define STEP 2
#else
#define DEPTH 1
#define STEP 1
#endif
#define PADDED(x, to) (((x) + (to) - 1) / (to) * (to))

typedef struct {
    int count;
    const act *at[32];
    long stride[32];
    int depth[32];
} Rows;

INLINE long depth_of(const Rows *a) {
    long depth = 0;
    for (int s = 0; s < a->count; s++) depth += a->depth[s];
    return depth;
}

INLINE void add_rows(Rows *a, const act *at, long stride, int depth) {
    a->at[a->count] = at;
    a->stride[a->count] = stride;
    a->depth[a->count++] = PADDED(depth, DEPTH);
}

/* Products in two-part bfloat16: high by high, high by low of the matrix, low by high: as many of them as there are `parts`.
 * The matrix is packed likewise. */
INLINE void add_parts(Rows *a, const act *high, const act *low, long parts, long stride, int depth) {
    for (int part = 0; part < parts; part++) add_rows(a, part == 2 ? low : high, stride, depth);
}

#define NEAR 96 /* rows whose sums stay in the first cache: a multiple of what every kind multiplies at once, and of W */

/* Two panels at a time, and what is to be done with them while they are near: `body` finds row m, from `begin` on, and
 * columns `n` to `n + width` of the product at `s`. */
#define FOR_PRODUCT(a, matrix, columns, begin, count, sums, body)                                   \
    for (long n = 0, width; n < (columns); n += 2 * PANEL) {                                        \
        width = (columns) - n < 2 * PANEL ? (columns) - n : 2 * PANEL;                              \
        for (long near = (begin); near < (begin) + (count); near += NEAR) {                         \
            const long end = (begin) + (count)-near < NEAR ? (begin) + (count) : near + NEAR;       \
            multiply(a, near, (matrix) + n * depth_of(a), width, end - near, sums, 2 * PANEL);      \
            const float *s = (sums);                                                                \
            for (long m = near; m < end; m++, s += 2 * PANEL) body                                  \
        }                                                                                           \
    }

#ifdef AMX
#include "tiles.h"
#define TILE_ROWS 16
#define QUERIES 32
#define TOGETHER QUERIES

/* (rows, 16 * panels) of the product: 2 x 2 tiles at a time. */
static void multiply(const Rows *a, long first, const act *matrix, int columns, long rows, float *out, long out_stride) {
    __asm__ volatile("" ::: "memory"); /* the tile loads of GCC do not say that they read memory */
    const long panel = depth_of(a) * PANEL;
    for (int n = 0; n < columns; n += 2 * PANEL) {
        const int wide = columns - n > PANEL;
        for (long m = 0; m < rows; m += 32) {
            const act *b0 = matrix + n / PANEL * panel, *b1 = b0 + panel;
            float *c = out + m * out_stride + n;
            const int tall = rows - m > TILE_ROWS;
            tile_zero(0);
            tile_zero(1);
            tile_zero(2);
            tile_zero(3);
            for (int s = 0; s < a->count; s++) {
                const act *p = a->at[s] + (first + m) * a->stride[s];
                const long bytes = a->stride[s] * 2;
                const act *q = p + TILE_ROWS * a->stride[s];
                for (int k = 0; k < a->depth[s]; k += DEPTH, b0 += 512, b1 += 512) {
                    tile_load(6, b0, 64);
                    tile_load(4, p + k, bytes);
                    tile_multiply(0, 4, 6);
                    if (wide) {
                        tile_load(7, b1, 64);
                        tile_multiply(1, 4, 7);
                    }
                    if (tall) {
                        tile_load(5, q + k, bytes);
                        tile_multiply(2, 5, 6);
                        if (wide) tile_multiply(3, 5, 7);
                    }
                }
            }
            tile_store(0, c, out_stride * 4);
            if (wide) tile_store(1, c + 16, out_stride * 4);
            if (tall) {
                tile_store(2, c + 16 * out_stride, out_stride * 4);
                if (wide) tile_store(3, c + 16 * out_stride + 16, out_stride * 4);
            }
        }
    }
}
#else
INLINE int tiles_begin(void) { return 0; }
INLINE void tiles_end(void) {}

#if W == 16
#define AT_ONCE 12
#define TOGETHER AT_ONCE
#define VECTORS 2
#define QUERIES 48
#define OF_PANEL(j, panel) ((j) * (panel))
#elif W == 8
#define AT_ONCE 6
#define TOGETHER 12
#define VECTORS 2
#define QUERIES 48
#define OF_PANEL(j, panel) ((j) * W * STEP)
#else
#define AT_ONCE 4
#define TOGETHER 12
#define VECTORS 4
#define QUERIES 48
#define OF_PANEL(j, panel) ((j) * W * STEP)
#endif

#if STEP == 1
INLINE V multiply_add(V sum, const act *a, const act *b) { return sum + *a * load(b); }
#elif defined(__AVX512BF16__)
INLINE V multiply_add(V sum, const act *a, const act *b) {
    int pair;
    memcpy(&pair, a, 4);
    return (V)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_loadu_si512((const void *)b), (__m512bh)_mm512_set1_epi32(pair));
}
#else
INLINE float as_float(act x) {
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}
INLINE V multiply_add(V sum, const act *a, const act *b) {
    for (int i = 0; i < W; i++) sum[i] += as_float(a[0]) * as_float(b[2 * i]) + as_float(a[1]) * as_float(b[2 * i + 1]);
    return sum;
}
#endif

INLINE void block(const int rows, const int vectors, const Rows *a, long row, const act *b, long panel, float *out,
                  long out_stride) {
    V sum[AT_ONCE][VECTORS];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = (V){0};
    for (int s = 0; s < a->count; s++) {
        const long stride = a->stride[s];
        const act *p = a->at[s] + row * stride;
        for (int k = 0; k < a->depth[s]; k += STEP, b += PANEL * STEP) {
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
                for (int j = 0; j < vectors; j++)
                    sum[i][j] = multiply_add(sum[i][j], p + i * stride + k, b + OF_PANEL(j, panel));
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) store(out + i * out_stride + j * W, sum[i][j]);
}

INLINE void strip(const int vectors, const Rows *a, long first, const act *b, long panel, long rows, float *out,
                  long out_stride) {
    long m = 0;
    for (; m + AT_ONCE <= rows; m += AT_ONCE)
        block(AT_ONCE, vectors, a, first + m, b, panel, out + m * out_stride, out_stride);
    for (; m + 3 <= rows; m += 3) block(3, vectors, a, first + m, b, panel, out + m * out_stride, out_stride);
    for (; m < rows; m++) block(1, vectors, a, first + m, b, panel, out + m * out_stride, out_stride);
}

static void multiply(const Rows *a, long first, const act *matrix, int columns, long rows, float *out, long out_stride) {
    const long panel = depth_of(a) * PANEL;
    for (int n = 0; n < columns; n += VECTORS * W) {
        const act *b = matrix + n / PANEL * panel;
        if (columns - n >= VECTORS * W)
            strip(VECTORS, a, first, b, panel, rows, out + n, out_stride);
        else
            strip(PANEL / W, a, first, b, panel, rows, out + n, out_stride);
    }
}
#endif
