/* Vectors of W floats: AVX-512, AVX2, or whatever the compiler makes of the plain ones. */
#pragma once
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define W 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define W 8
#else
#define W 4
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float V __attribute__((vector_size(4 * W)));
typedef int32_t VI __attribute__((vector_size(4 * W)));
typedef float VU __attribute__((vector_size(4 * W), aligned(4), may_alias));

INLINE V load(const float *p) { return *(const VU *)p; }
INLINE void store(float *p, V v) { *(VU *)p = v; }
INLINE V all(float x) { return x - (V){0}; }

INLINE V select_v(VI mask, V yes, V no) { return (V)(((VI)yes & mask) | ((VI)no & ~mask)); }

#if W == 16
INLINE V vmax(V a, V b) { return (V)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE V vmin(V a, V b) { return (V)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE float sum_v(V v) { return _mm512_reduce_add_ps((__m512)v); }
INLINE float max_v(V v) { return _mm512_reduce_max_ps((__m512)v); }
INLINE V reciprocal(V x) {
    V r = (V)_mm512_rcp14_ps((__m512)x);
    return r * (2.0f - x * r);
}
INLINE V round_v(V x) { return (V)_mm512_roundscale_ps((__m512)x, 8); }
INLINE V scaled(V x, V n) { return (V)_mm512_scalef_ps((__m512)x, (__m512)n); }
#else
INLINE V vmax(V a, V b) { return select_v(a > b, a, b); }
INLINE V vmin(V a, V b) { return select_v(a < b, a, b); }
INLINE float sum_v(V v) {
    float s = 0;
    for (int i = 0; i < W; i++) s += v[i];
    return s;
}
INLINE float max_v(V v) {
    float s = v[0];
    for (int i = 1; i < W; i++) s = v[i] > s ? v[i] : s;
    return s;
}
INLINE V reciprocal(V x) { return 1.0f / x; }
#if W == 8
INLINE V round_v(V x) { return (V)_mm256_round_ps((__m256)x, 8); }
INLINE VI whole(V n) { return (VI)_mm256_cvtps_epi32((__m256)n); }
#else
INLINE VI whole(V n) { return __builtin_convertvector(n, VI); }
INLINE V round_v(V x) { return __builtin_convertvector(whole(x + select_v(x < 0, all(-0.5f), all(0.5f))), V); }
#endif
INLINE V scaled(V x, V n) { return x * (V)((whole(n) + 127) << 23); }
#endif

/* 2^x, relative error 1e-7. Coefficients: minimax on [-1/2, 1/2]. */
INLINE V exp2_v(V x) {
    x = vmin(x, all(126.0f));
#if W < 16
    x = vmax(x, all(-126.0f));
#endif
    V n = round_v(x), f = x - n;
    V p = all(1.32769322e-3f);
    p = p * f + 9.67555992e-3f;
    p = p * f + 5.5507116e-2f;
    p = p * f + 2.40221199e-1f;
    p = p * f + 6.93146969e-1f;
    p = p * f + 1.00000007f;
    return scaled(p, n);
}

#define LOG2_E 1.44269504f

/* W rows of W, each `stride` from the next, turned: the columns. */
#if W == 16
INLINE void turn(const float *rows, long stride, V *columns) {
    __m512 a[16], b[16];
    for (int i = 0; i < 16; i++) a[i] = _mm512_loadu_ps(rows + i * stride);
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) { /* a[i + c]: columns c, c + 4, c + 8, c + 12 of rows i to i + 3 */
            a[i + 2 * j] = _mm512_shuffle_ps(b[i + j], b[i + j + 2], 0x44);
            a[i + 2 * j + 1] = _mm512_shuffle_ps(b[i + j], b[i + j + 2], 0xee);
        }
    for (int c = 0; c < 4; c++) {
        const __m512 low = _mm512_shuffle_f32x4(a[c], a[c + 4], 0x88), high = _mm512_shuffle_f32x4(a[c], a[c + 4], 0xdd);
        const __m512 more = _mm512_shuffle_f32x4(a[c + 8], a[c + 12], 0x88);
        const __m512 most = _mm512_shuffle_f32x4(a[c + 8], a[c + 12], 0xdd);
        columns[c] = (V)_mm512_shuffle_f32x4(low, more, 0x88);
        columns[c + 8] = (V)_mm512_shuffle_f32x4(low, more, 0xdd);
        columns[c + 4] = (V)_mm512_shuffle_f32x4(high, most, 0x88);
        columns[c + 12] = (V)_mm512_shuffle_f32x4(high, most, 0xdd);
    }
}
#else /* by way of memory: compilers turn no registers */
INLINE void turn(const float *rows, long stride, V *columns) {
    float turned[W][W];
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) turned[j][i] = rows[i * stride + j];
    for (int j = 0; j < W; j++) columns[j] = load(turned[j]);
}
#endif

INLINE V sigmoid(V x) { return reciprocal(1.0f + exp2_v(x * -LOG2_E)); }

/* x Phi(x) = x (1/2 + c P(c c)) with c = x within +-5, P of 2 c c / 25 - 1: minimax, within 1.5e-6, for x within +-1 within
 * 3e-7. Errors of an approximation do not average out as those of rounding do: 5e-5 here were heard in soft passages. */
INLINE V gelu(V x) {
    V c = vmin(vmax(x, all(-5.0f)), all(5.0f)), z = c * c * 0.08f - 1.0f;
    V p = all(5.87009941e-4f);
    p = p * z - 1.59603974e-3f;
    p = p * z + 1.77664321e-3f;
    p = p * z - 2.72614392e-3f;
    p = p * z + 6.36159535e-3f;
    p = p * z - 1.11301187e-2f;
    p = p * z + 1.64220594e-2f;
    p = p * z - 2.3281049e-2f;
    p = p * z + 3.14386599e-2f;
    p = p * z - 4.04408164e-2f;
    p = p * z + 5.15207388e-2f;
    p = p * z - 7.02963546e-2f;
    p = p * z + 1.41363785e-1f;
    return x * (p * c + 0.5f);
}

/* What travels between layers: bfloat16 where the processor multiplies it, float elsewhere. */
#ifdef BF16
typedef uint16_t act;
#if W == 16
INLINE V load_act(const act *p) {
    return (V)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)), 16);
}
#else
INLINE V load_act(const act *p) {
    VI v;
    for (int i = 0; i < W; i++) v[i] = (int32_t)((uint32_t)p[i] << 16);
    return (V)v;
}
#endif
#if W == 16 && defined(__AVX512BF16__)
INLINE void store_two(act *p, V first, V second) {
    _mm512_storeu_si512((void *)p, (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first));
}
INLINE void store_act(act *p, V v) { _mm256_storeu_si256((void *)p, (__m256i)_mm512_cvtneps_pbh((__m512)v)); }
#else
INLINE void store_act(act *p, V v) {
    VI bits = (VI)v;
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    for (int i = 0; i < W; i++) p[i] = (act)bits[i];
}
#endif
#else
typedef float act;
INLINE V load_act(const act *p) { return load(p); }
INLINE void store_act(act *p, V v) { store(p, v); }
#endif

#if !defined(BF16) || W < 16 || !defined(__AVX512BF16__)
INLINE void store_two(act *p, V first, V second) {
    store_act(p, first);
    store_act(p + W, second);
}
#endif

/* A value in two parts, so that their products have twice the digits; of floats the second part is nothing. */
INLINE void store_parts(act *p, act *rest, V v) {
    store_act(p, v);
    if (rest) store_act(rest, v - load_act(p));
}
