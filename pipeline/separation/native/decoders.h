/* The decoders of HTDemucs, of both branches. */
#pragma once
#include "layers.h"
#include "winograd.h"

/* Spectra of the stems are kept as (frames / W, stems * 4, frequencies, W). The last decoder puts there rows 4g-2 to 4g+1 of
 * its product, 16 columns each: W frames from `t` on. */
static void put_spectra(const Layer *w, float *spectra, long g, long frequencies, float mean, float deviation,
                        const float *s, long n, long width, long t) {
    for (long j = 0; j < width; j += PANEL) {
        const long r = 4 * g - 2 + (n + j) / PANEL;
        if (r < 0 || r >= frequencies) continue;
        for (int part = 0; part < PANEL; part += W) {
            V columns[W];
            turn(s + j + part, 2 * PANEL, columns);
            for (int i = 0; i < W; i++)
                store(spectra + ((t / W * PANEL + part + i) * frequencies + r) * W,
                      (columns[i] + w->transposed_bias[part + i]) * deviation + mean);
        }
    }
}

/* Rows 4g-2 to 4g+1 of a transposed convolution, of which `sums` holds the product for frames from `begin`. */
static void put_rows(const Layer *w, act *out, long g, long frequencies, long frames, const float *s, long n, long width,
                     long m) {
    const long co = w->out_channels;
    for (long j = 0; j < width; j += PANEL) {
        const long tap = (n + j) / co, i = (n + j) % co, r = 4 * g - 2 + tap;
        if (r < 0 || r >= 4 * frequencies) continue;
        act *to = frequency_row(out, r, frames, co) + m * co + i; /* holds the skip */
        for (int v = 0; v < PANEL; v += W)
            store_act(to + v, load_act(to + v) + gelu(load(s + j + v) + load(w->transposed_bias + i + v)));
    }
}

/* GLU(3x3 convolution + bias) of rows f and f + 1, to y, x and rest. */
static void rewrite_two(const Scratch *k, const Layer *w, act *in, long f, long frames, float *const y[2], act *const x[2],
                        act *const rest[2]) {
    const long c = w->channels, next = frequency_row(in, 1, frames, c) - frequency_row(in, 0, frames, c);
    const long of_strip = TOGETHER * 2 * PANEL;
    for (long first = 0; first < (frames + 1) / 2; first += SQUARES) {
        const long left = (frames + 1) / 2 - first, squares = left < SQUARES ? left : SQUARES;
        spread_squares(frequency_row(in, f - 1, frames, c) + (2 * first - 1) * c, next, c, squares, k->squares);
        for (long n = 0; n < 2 * c; n += 2 * PANEL)
            for (long near = 0; near < squares; near += TOGETHER) {
                const long count = squares - near < TOGETHER ? squares - near : TOGETHER;
                for (int part = 0; part < 16; part++) {
                    Rows a = {0};
                    add_rows(&a, k->squares + part * SQUARES * c, c, c);
                    const act *matrix = w->rewrite + (part * 2 * c + n) * depth_of(&a);
                    multiply(&a, near, matrix, 2 * PANEL, count, k->sums + part * of_strip, 2 * PANEL);
                }
                for (long m = 0; m < count; m++)
                    for (long j = 0, i = n / 2; j < PANEL; j += W, i += W) {
                        V value[2][2], gate[2][2];
                        gather_square(k->sums + m * 2 * PANEL + j, of_strip, value);
                        gather_square(k->sums + m * 2 * PANEL + PANEL + j, of_strip, gate);
                        for (int row = 0; row < 2; row++)
                            for (long q = 0, t = 2 * (first + near + m); q < 2 && t < frames; q++, t++) {
                                V v = value[row][q] + load(w->rewrite_bias + i);
                                v *= sigmoid(gate[row][q] + load(w->rewrite_bias + c + i));
                                store(y[row] + t * c + i, v);
                                store_parts(x[row] + t * c + i, rest[row] ? rest[row] + t * c + i : 0, v);
                            }
                    }
            }
    }
}

/* Rows 4g-2 to 4g+1 of the transposed convolution, of rows g - 1 and g. */
static void transposed_rows(const Scratch *k, const Layer *w, const act *const x[2], const act *const rest[2], long g,
                            act *out, float *spectra, long frequencies, long frames, float mean, float deviation) {
    const long c = w->channels;
    Rows two = {0};
    for (int part = 0; part < w->branch_parts; part++)
        for (int row = 0; row < 2; row++) add_rows(&two, part == 2 ? rest[row] : x[row], c, c);
    for (long begin = 0; begin < frames; begin += BLOCK) {
        const long count = frames - begin < BLOCK ? frames - begin : BLOCK;
        FOR_PRODUCT(&two, w->transposed, 4 * w->out_channels, begin, count, k->sums, {
            if (!w->last)
                put_rows(w, out, g, frequencies, frames, s, n, width, m);
            else if (m % W == 0)
                put_spectra(w, spectra, g, 4 * frequencies, mean, deviation, s, n, width, m);
        })
    }
}

/* Decoder of the spectrogram, of rows to which the skip is added, an even number of them. It adds to the rows of `out`,
 * which hold the skip of the next, or gives the spectra. Row g is in the arrays of g modulo 3. */
void decode_frequencies(const Scratch *k, const Layer *w, act *in, act *out, float *spectra, long frequencies, long frames,
                        float mean, float deviation) {
    const long c = w->channels;
    act *x[3], *rest[3];
    for (int i = 0; i < 3; i++) {
        x[i] = k->x[i] + BESIDE * c;
        rest[i] = w->branch_parts == 3 ? k->rest[i] + BESIDE * c : 0;
        clear_edges(x[i], frames, c);
        clear_edges(rest[i], frames, c);
    }
    for (long g = 0; g <= frequencies; g++) {
        const int at = g % 3, next = (g + 1) % 3, before = (g + 2) % 3;
        if (g % 2 == 0 && g < frequencies)
            rewrite_two(k, w, in, g, frames, k->y, (act *const[]){x[at], x[next]}, (act *const[]){rest[at], rest[next]});
        if (g < frequencies) residual_branches(k, w, k->y[g % 2], x[at], rest[at], frames);
        if (g == 0 || g == frequencies) { /* rows of zeros beyond the edges */
            const int edge = g ? at : before;
            memset(x[edge], 0, frames * c * sizeof(act));
            if (rest[edge]) memset(rest[edge], 0, frames * c * sizeof(act));
        }
        transposed_rows(k, w, (const act *const[]){x[before], x[at]}, (const act *const[]){rest[before], rest[at]}, g, out,
                        spectra, frequencies, frames, mean, deviation);
    }
}

/* Decoder of the waveform: adds to `out`, which holds the skip, or writes `waves`, (stems * channels, length). */
void decode_samples(const Scratch *k, const Layer *w, const act *in, act *out, float *waves, long rows, long length,
                    float mean, float deviation) {
    const long c = w->channels, co = w->out_channels;
    act *x = k->x[0] + BESIDE * c, *rest = w->branch_parts == 3 ? k->rest[0] + BESIDE * c : 0;
    clear_edges(x, rows, c);
    clear_edges(rest, rows, c);
    Rows taps = {0}, two = {0};
    add_rows(&taps, in + (BESIDE - 1) * c, c, 3 * c);
    glu_of(k, w, &taps, rows, 0, k->y[0], x, rest);
    residual_branches(k, w, k->y[0], x, rest, rows);
    add_parts(&two, x - c, rest ? rest - c : 0, w->branch_parts, c, 2 * c);
    for (long begin = 0; begin <= rows; begin += BLOCK) {
        const long count = rows + 1 - begin < BLOCK ? rows + 1 - begin : BLOCK;
        FOR_PRODUCT(&two, w->transposed, PADDED(4 * co, PANEL), begin, count, k->sums, {
            for (long j = 0; j < width; j += w->last ? 1 : W) {
                const long i = (n + j) % co;
                const long q = 4 * m - 2 + (n + j) / co;
                if (q < 0 || q >= length) continue;
                if (w->last) {
                    waves[i * length + q] = (s[j] + w->transposed_bias[i]) * deviation + mean;
                    continue;
                }
                act *to = out + (q + BESIDE) * co + i;
                store_act(to, load_act(to) + gelu(load(s + j) + load(w->transposed_bias + i)));
            }
        })
    }
}
