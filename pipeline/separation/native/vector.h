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
/* 2^x for x within +-126, of a polynomial of the fraction. */
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

/* 2^x, relative error 2e-7. Coefficients: minimax on [-1/2, 1/2]. */
INLINE V exp2_v(V x) {
    x = vmin(vmax(x, all(-126.0f)), all(126.0f));
    V n = round_v(x), f = x - n;
    V p = all(1.535336188e-4f);
    p = p * f + 1.339887440e-3f;
    p = p * f + 9.618437357e-3f;
    p = p * f + 5.550332471e-2f;
    p = p * f + 2.402264791e-1f;
    p = p * f + 6.931472028e-1f;
    p = p * f + 1.0f;
    return scaled(p, n);
}

#define LOG2_E 1.44269504f

INLINE V sigmoid(V x) { return reciprocal(1.0f + exp2_v(x * -LOG2_E)); }

/* W rows of W, each `stride` from the next, turned: the columns. Gathered by way of memory: compilers turn no registers. */
INLINE void turn(const float *rows, long stride, V *columns) {
    float turned[W][W];
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) turned[j][i] = rows[i * stride + j];
    for (int j = 0; j < W; j++) columns[j] = load(turned[j]);
}

/* x/2 (1 + erf(x / sqrt 2)), with the erf of Abramowitz and Stegun 7.1.26: within 1.5e-7. */
INLINE V gelu(V x) {
    V z = (V)((VI)x & 0x7fffffff) * 0.70710678f;
    V t = reciprocal(1.0f + 0.3275911f * z);
    V p = all(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    V half_erfc = 0.5f * p * t * exp2_v(z * z * -LOG2_E);
    return x * select_v(x < 0.0f, half_erfc, 1.0f - half_erfc);
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

/* A value in two parts, so that their products have twice the digits; of floats the second part is nothing. */
INLINE void store_parts(act *p, act *rest, V v) {
    store_act(p, v);
    if (rest) store_act(rest, v - load_act(p));
}
