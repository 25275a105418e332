/* Spectra in and out: frames of 4,096 samples every 1,024, W frames at a time, one in each lane of a vector.
 *
 * Two real signals are one complex one. 4,096 points are 64 transforms of 64, twiddled, and 64 more. */
#pragma once
#include "layers.h"

#define FRAME 4096
#define HOP 1024
#define BINS (FRAME / 2)
#define SIDE 64
#define BEFORE 1536 /* samples before the first hop that its frame reaches */

typedef struct {
    float window[FRAME], cosine[FRAME], sine[FRAME];
} Tables;

static void fill_tables(Tables *t) {
    for (int i = 0; i < FRAME; i++) {
        const double angle = 6.283185307179586476925 * i / FRAME;
        t->cosine[i] = __builtin_cos(angle);
        t->sine[i] = -__builtin_sin(angle);
        t->window[i] = 0.5 - 0.5 * __builtin_cos(angle);
    }
}

INLINE int reversed(int i) { return (i & 3) << 4 | (i & 12) | i >> 4; }

/* Forward transform of 64 points, in place, the result in the order of `reversed`. */
static void transform_side(const Tables *t, V *re, V *im) {
    for (int span = SIDE / 4; span >= 1; span /= 4)
        for (int group = 0; group < SIDE; group += 4 * span)
            for (int j = 0; j < span; j++) {
                V *r = re + group + j, *i = im + group + j;
                V sr = r[0] + r[2 * span], si = i[0] + i[2 * span], dr = r[0] - r[2 * span], di = i[0] - i[2 * span];
                V tr = r[span] + r[3 * span], ti = i[span] + i[3 * span];
                V ur = i[span] - i[3 * span], ui = r[3 * span] - r[span]; /* times -i */
                V outr[4] = {sr + tr, dr + ur, sr - tr, dr - ur}, outi[4] = {si + ti, di + ui, si - ti, di - ui};
                r[0] = outr[0];
                i[0] = outi[0];
                for (int q = 1; q < 4; q++) {
                    const int angle = j * q * (FRAME / (4 * span));
                    const float c = t->cosine[angle], s = t->sine[angle];
                    r[q * span] = outr[q] * c - outi[q] * s;
                    i[q * span] = outr[q] * s + outi[q] * c;
                }
            }
}

/* Forward transform of FRAME points, in place: bin a + 64 b is at 64 a + b. */
static void transform(const Tables *t, V *re, V *im) {
    V r[SIDE], i[SIDE];
    for (int column = 0; column < SIDE; column++) {
        for (int row = 0; row < SIDE; row++) r[row] = re[row * SIDE + column], i[row] = im[row * SIDE + column];
        transform_side(t, r, i);
        for (int bin = 0; bin < SIDE; bin++) {
            const float c = t->cosine[bin * column], s = t->sine[bin * column];
            const V vr = r[reversed(bin)], vi = i[reversed(bin)];
            re[bin * SIDE + column] = vr * c - vi * s;
            im[bin * SIDE + column] = vr * s + vi * c;
        }
    }
    for (int row = 0; row < SIDE; row++) {
        V *pr = re + row * SIDE, *pi = im + row * SIDE;
        transform_side(t, pr, pi);
        for (int bin = 0; bin < SIDE; bin++) r[bin] = pr[reversed(bin)], i[bin] = pi[reversed(bin)];
        memcpy(pr, r, sizeof r);
        memcpy(pi, i, sizeof i);
    }
}

INLINE int place(int bin) { return bin % SIDE * SIDE + bin / SIDE; }

/* Sample of a song that is reflected at its ends. */
INLINE long reflected(long q, long samples) {
    q = q < 0 ? -q : q;
    return q < samples ? q : 2 * (samples - 1) - q;
}

/* Spectra of two channels, (2, samples) -> (BINS, frames, 4): real and imaginary part of the left, then of the right. */
static void analyse(const Tables *t, const float *mix, long samples, float *spectrum, long frames, V *re, V *im) {
    for (long first = 0; first < frames; first += W) {
        const int count = frames - first < W ? frames - first : W;
        float *r = (float *)re, *i = (float *)im;
        for (int lane = 0; lane < W; lane++) {
            const long start = (first + (lane < count ? lane : 0)) * HOP - BEFORE;
            for (long n = 0; n < FRAME; n++) {
                const long q = reflected(start + n, samples);
                r[n * W + lane] = mix[q] * t->window[n] * (1.0f / 64);
                i[n * W + lane] = mix[samples + q] * t->window[n] * (1.0f / 64);
            }
        }
        transform(t, re, im);
        for (int f = 0; f < BINS; f++) {
            const V ar = re[place(f)], ai = im[place(f)], br = re[place((FRAME - f) % FRAME)], bi = im[place((FRAME - f) % FRAME)];
            const V left_re = 0.5f * (ar + br), left_im = 0.5f * (ai - bi), right_re = 0.5f * (ai + bi), right_im = 0.5f * (br - ar);
            for (int lane = 0; lane < count; lane++) {
                float *to = spectrum + (f * frames + first + lane) * 4;
                to[0] = left_re[lane];
                to[1] = left_im[lane];
                to[2] = right_re[lane];
                to[3] = right_im[lane];
            }
        }
    }
}

/* Add W values to a wave from sample `at` on, those that are within it. */
INLINE void add_within(float *wave, long at, long samples, V values) {
    if (at >= 0 && at + W <= samples) {
        store(wave + at, load(wave + at) + values);
        return;
    }
    for (int i = 0; i < W; i++)
        if (at + i >= 0 && at + i < samples) wave[at + i] += values[i];
}

/* Waveforms of the spectra, added to `waves` (stems * 2, samples). */
static void synthesise(const Tables *t, const float *spectra, float *waves, long samples, long frames, V *re, V *im) {
    for (long first = 0; first < frames; first += W)
        for (int stem = 0; stem < 4; stem++) {
            const int count = frames - first < W ? frames - first : W;
            const float *part = spectra + (first / W * 16 + 4 * stem) * BINS * W;
            const long next = (long)BINS * W;
            /* the inverse is the forward transform of real and imaginary parts exchanged */
            for (int f = 0; f < BINS; f++) {
                const float *at = part + (long)f * W;
                const V lr = load(at), li = f ? load(at + next) : (V){0}, rr = load(at + 2 * next), ri = f ? load(at + 3 * next) : (V){0};
                im[f] = lr - ri;
                re[f] = li + rr;
                if (f) {
                    im[FRAME - f] = lr + ri;
                    re[FRAME - f] = rr - li;
                }
            }
            re[BINS] = im[BINS] = (V){0};
            transform(t, re, im);
            const float scale = 64.0f / 1.5f / FRAME; /* of the transform, and of four overlapping windows, squared */
            float *left = waves + 2 * stem * samples;
            for (int column = 0; column < SIDE; column++)
                for (int row = 0; row < SIDE; row += W) {
                    const int n = row + SIDE * column; /* W samples from here on, of W frames */
                    const V window = load(t->window + n) * scale;
                    const long stride = SIDE * W;
                    V frames_left[W], frames_right[W];
                    turn((const float *)(im + row * SIDE + column), stride, frames_left);
                    turn((const float *)(re + row * SIDE + column), stride, frames_right);
                    for (int lane = 0; lane < count; lane++) {
                        const long at = (first + lane) * HOP - BEFORE + n;
                        add_within(left, at, samples, frames_left[lane] * window);
                        add_within(left + samples, at, samples, frames_right[lane] * window);
                    }
                }
        }
}
