/* 3x3 convolutions with a fourth of the products for 2x2 outputs that are 16 of 36: Winograd's F(2x2, 3x3).
 *
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016. Of 4x4 inputs d and the kernel g (here packed as
 * 16 matrices G g G^T) the outputs are A^T (sum over channels of G g G^T times B^T d B) A. */
#pragma once
#include "product.h"

#define SQUARES 48 /* of 2x2 outputs, at a time */

/* B^T d of four inputs. */
INLINE void spread(const V d[4], V v[4]) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}

/* B^T d B of `count` squares, (16, SQUARES, channels). Those of the first begin at `in`: four rows `next` apart, of which
 * every position has `channels` values. */
static void spread_squares(const act *in, long next, long channels, long count, act *out) {
    for (long square = 0; square < count; square++)
        for (long c = 0; c < channels; c += W) {
            V across[4][4];
            for (int t = 0; t < 4; t++) {
                V d[4];
                for (int f = 0; f < 4; f++) d[f] = load_act(in + f * next + (2 * square + t) * channels + c);
                spread(d, across[t]);
            }
            for (int f = 0; f < 4; f++) {
                V d[4], v[4];
                for (int t = 0; t < 4; t++) d[t] = across[t][f];
                spread(d, v);
                for (int t = 0; t < 4; t++) store_act(out + ((4 * f + t) * SQUARES + square) * channels + c, v[t]);
            }
        }
}

/* A^T m A of the 16 products at m, `next` apart: outputs [frequency][frame]. */
INLINE void gather_square(const float *m, long next, V y[2][2]) {
    V across[2][4];
    for (int t = 0; t < 4; t++) {
        const V m0 = load(m + t * next), m1 = load(m + (4 + t) * next), m2 = load(m + (8 + t) * next), m3 = load(m + (12 + t) * next);
        across[0][t] = m0 + m1 + m2;
        across[1][t] = m1 - m2 - m3;
    }
    for (int f = 0; f < 2; f++) {
        y[f][0] = across[f][0] + across[f][1] + across[f][2];
        y[f][1] = across[f][1] - across[f][2] - across[f][3];
    }
}
