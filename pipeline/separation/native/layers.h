/* Convolutional layers of HTDemucs, as products of rows of channels: what all have, and the encoders of both branches.
 *
 * A row of the spectrogram, (frames, channels), goes through a whole layer while it is in the cache. Rows are kept with
 * zeros around them, so that taps beyond the edge need no test: frequency f begins at ROW(f), frame t two rows later. */
#pragma once
#include "product.h"

#define BLOCK 336 /* rows of a product at a time, a multiple of W: the frames of a segment of 7.8 s */
#define BESIDE 2  /* rows of zeros on either side */
#define BEHIND 64 /* rows that a product may read beyond the last */

/* A residual branch of DConv: convolution, norm, GELU, convolution, norm, GLU, scale. `gram`, `ones` and `biased` are
 * the second convolution multiplied by itself, by ones and by its bias: from them follow mean and variance of what it
 * gives, before it is computed. */
typedef struct {
    const act *in, *out;
    const float *in_bias, *in_gain, *in_shift, *out_bias, *out_gain, *out_shift, *scale, *gram, *ones, *biased;
} Branch;

/* `conv_parts`, `branch_parts`: how many products in two-part bfloat16 the first convolution and those of the branches are:
 * 1, 2 where only the matrix has two parts, or 3. */
typedef struct {
    long in_channels, channels, hidden, out_channels, conv_parts, branch_parts, last;
    const act *conv;
    const float *conv_bias;
    const act *rewrite;
    const float *rewrite_bias;
    const act *transposed;
    const float *transposed_bias;
    Branch branch[2];
} Layer;

/* Arrays of one layer at work. */
typedef struct {
    float *sums, *y[2], *hidden;
    act *x[3], *rest[3], *hidden_act, *hidden_rest, *squares;
} Scratch;

INLINE long hidden_stride(const Layer *w) { return PADDED(w->hidden, DEPTH > PANEL ? DEPTH : PANEL); }
INLINE act *frequency_row(act *rows, long f, long frames, long channels) {
    return rows + ((f + 1) * (frames + 2 * BESIDE) + BESIDE) * channels;
}

static void clear_edges(act *x, long rows, long channels) {
    if (!x) return;
    memset(x - BESIDE * channels, 0, BESIDE * channels * sizeof(act));
    memset(x + rows * channels, 0, (BESIDE * channels + BEHIND) * sizeof(act));
}

/* Sums of values and squares, in double once a block. */
typedef struct {
    double sum, square;
} Moments;

INLINE void norm_of(Moments of, double count, float *mean, float *inverse) {
    const double m = of.sum / count, variance = of.square / count - m * m;
    *mean = m;
    *inverse = 1.0 / __builtin_sqrt((variance > 0 ? variance : 0) + 1e-5);
}

/* First half of a branch: the hidden rows before their norm. */
static Moments branch_in(const Scratch *k, const Layer *w, const Branch *b, int dilation, const act *x, const act *rest,
                         long rows) {
    const long c = w->channels, stride = hidden_stride(w);
    Rows taps = {0};
    for (int part = 0; part < w->branch_parts; part++) {
        const act *from = part == 2 ? rest : x;
        if (dilation == 1)
            add_rows(&taps, from - c, c, 3 * c);
        else
            for (int tap = -1; tap < 2; tap++) add_rows(&taps, from + tap * dilation * c, c, c);
    }
    Moments all_rows = {0, 0};
    for (long begin = 0; begin < rows; begin += BLOCK) {
        const long count = rows - begin < BLOCK ? rows - begin : BLOCK;
        V sum = {0}, square = {0};
        FOR_PRODUCT(&taps, b->in, PADDED(w->hidden, PANEL), begin, count, k->sums, {
            for (long j = 0; j < width; j += W) {
                V v = load(s + j) + load(b->in_bias + n + j);
                store(k->hidden + m * stride + n + j, v);
                sum += v;
                square += v * v;
            }
        })
        all_rows.sum += sum_v(sum);
        all_rows.square += sum_v(square);
    }
    return all_rows;
}

/* products[i][j] += sum over rows of v[i] v[j], for `wanted` i from `first` on: kept in registers. */
INLINE void self_products_at(const float *v, long first, long stride, long rows, const int wanted, long wide,
                             float *products) {
    for (long j = 0; j < wide; j += W) {
        V sums[12];
        for (int i = 0; i < wanted; i++) sums[i] = (V){0};
        for (long m = 0; m < rows; m++) {
            const float *row = v + m * stride;
            const V other = load(row + j);
#pragma GCC unroll 12
            for (int i = 0; i < wanted; i++) sums[i] += row[first + i] * other;
        }
        for (int i = 0; i < wanted; i++) store(products + (first + i) * wide + j, sums[i]);
    }
}

/* Norm and GELU of the hidden rows; gives the moments of what the second convolution makes of them. */
static Moments branch_between(const Scratch *k, const Layer *w, const Branch *b, Moments of, long rows) {
    const long h = w->hidden, stride = hidden_stride(w), wide = PADDED(h, PANEL);
    float mean, inverse;
    norm_of(of, (double)rows * h, &mean, &inverse);
    double linear = 0, quadratic = 0;
    for (long begin = 0; begin < rows; begin += BLOCK) {
        const long end = rows - begin < BLOCK ? rows : begin + BLOCK;
        float sums[64] = {0}, products[48 * 64];
        for (long m = begin; m < end; m++) {
            float *v = k->hidden + m * stride;
            for (long j = 0; j < wide; j += W) {
                V g = gelu((load(v + j) - mean) * inverse * load(b->in_gain + j) + load(b->in_shift + j));
                store(v + j, g);
                store(sums + j, load(sums + j) + g);
                store_parts(k->hidden_act + m * stride + j, k->hidden_rest ? k->hidden_rest + m * stride + j : 0, g);
            }
        }
        const float *first = k->hidden + begin * stride;
        if (h == 6)
            self_products_at(first, 0, stride, end - begin, 6, wide, products);
        else if (h == 12)
            self_products_at(first, 0, stride, end - begin, 12, wide, products);
        else
            for (long i = 0; i < h; i += 8)
                self_products_at(first, i, stride, end - begin, 8, wide, products);
        for (long i = 0; i < h; i++) {
            linear += (double)sums[i] * b->ones[i];
            quadratic += 2.0 * sums[i] * b->biased[i];
            for (long j = 0; j < h; j++) quadratic += (double)products[i * wide + j] * b->gram[i * h + j];
        }
    }
    return (Moments){linear + rows * (double)b->ones[h], quadratic + rows * (double)b->biased[h]};
}

/* Second half: y += scale * GLU(norm(convolution)), and x as its copy. */
static void branch_out(const Scratch *k, const Layer *w, const Branch *b, Moments of, float *y, act *x, act *rest,
                       long rows) {
    const long c = w->channels, stride = hidden_stride(w);
    float mean, inverse, gain[2 * 384], shift[2 * 384];
    norm_of(of, (double)rows * 2 * c, &mean, &inverse);
    for (long j = 0; j < 2 * c; j++) {
        gain[j] = inverse * b->out_gain[j];
        shift[j] = (b->out_bias[j] - mean) * gain[j] + b->out_shift[j];
    }
    Rows hidden = {0};
    add_parts(&hidden, k->hidden_act, k->hidden_rest, w->branch_parts, stride, w->hidden);
    for (long begin = 0; begin < rows; begin += BLOCK) {
        const long count = rows - begin < BLOCK ? rows - begin : BLOCK;
        FOR_PRODUCT(&hidden, b->out, 2 * c, begin, count, k->sums, {
            for (long j = 0, i = n / 2; j < PANEL; j += W, i += W) {
                V value = load(s + j) * load(gain + i) + load(shift + i);
                V gate = load(s + PANEL + j) * load(gain + c + i) + load(shift + c + i);
                const long at = m * c + i;
                value = load(y + at) + value * sigmoid(gate) * load(b->scale + i);
                store(y + at, value);
                store_parts(x + at, rest ? rest + at : 0, value);
            }
        })
    }
}

static void residual_branches(const Scratch *scratch, const Layer *w, float *y, act *x, act *rest, long rows) {
    Scratch k = *scratch;
    if (!rest) k.hidden_rest = 0;
    for (int d = 0; d < 2; d++) {
        const Branch *b = &w->branch[d];
        Moments of = branch_in(&k, w, b, 1 + d, x, rest, rows);
        of = branch_between(&k, w, b, of, rows);
        branch_out(&k, w, b, of, y, x, rest, rows);
    }
}

/* y = GELU(product + bias), and x as its copy. */
static void gelu_of(const Scratch *k, const Layer *w, const Rows *a, long rows, float *y, act *x, act *rest) {
    const long c = w->channels;
    for (long begin = 0; begin < rows; begin += BLOCK) {
        const long count = rows - begin < BLOCK ? rows - begin : BLOCK;
        FOR_PRODUCT(a, w->conv, c, begin, count, k->sums, {
            for (long j = 0; j < width; j += W) {
                const long at = m * c + n + j;
                V v = gelu(load(s + j) + load(w->conv_bias + n + j));
                store(y + at, v);
                store_parts(x + at, rest ? rest + at : 0, v);
            }
        })
    }
}

/* GLU(product + bias) + `added` to y, x and rest, those of them that are given. */
static void glu_of(const Scratch *k, const Layer *w, const Rows *a, long rows, const float *added, float *y, act *x,
                   act *rest) {
    const long c = w->channels;
    for (long begin = 0; begin < rows; begin += BLOCK) {
        const long count = rows - begin < BLOCK ? rows - begin : BLOCK;
        FOR_PRODUCT(a, w->rewrite, 2 * c, begin, count, k->sums, {
            for (long j = 0, i = n / 2; j < PANEL; j += W, i += W) {
                V v = load(s + j) + load(w->rewrite_bias + i);
                v *= sigmoid(load(s + PANEL + j) + load(w->rewrite_bias + c + i));
                if (added) v += load(added + i);
                const long at = m * c + i;
                if (y) store(y + at, v);
                store_parts(x + at, rest ? rest + at : 0, v);
            }
        })
    }
}

/* The taps of a first convolution over the spectrogram, (frequencies, frames, 4): gathered, and normalised. */
static void gather_taps(const float *spectrum, long f, long frequencies, long frames, float mean, float inverse, act *to,
                        act *rest) {
    for (long t = 0; t < frames; t++) {
        float taps[32];
        for (int tap = 0; tap < 8; tap++) {
            const long r = 4 * f - 2 + tap;
            for (int c = 0; c < 4; c++)
                taps[4 * tap + c] = r < 0 || r >= frequencies ? 0.0f : (spectrum[(r * frames + t) * 4 + c] - mean) * inverse;
        }
        for (int j = 0; j < 32; j += W) store_parts(to + 32 * t + j, rest ? rest + 32 * t + j : 0, load(taps + j));
    }
}

/* Encoder of the spectrogram. The first takes `spectrum`, the others rows; `embedding`, (frequencies, channels), is added. */
void encode_frequencies(const Scratch *k, const Layer *w, const float *spectrum, act *in, act *out, long frequencies,
                        long frames, const float *embedding, float mean, float inverse) {
    const long c = w->channels, ci = w->in_channels;
    act *x = k->x[0] + BESIDE * c, *rest = w->branch_parts == 3 ? k->rest[0] + BESIDE * c : 0;
    clear_edges(x, frames, c);
    clear_edges(rest, frames, c);
    for (long f = 0; f < frequencies; f++) {
        Rows taps = {0}, row = {0};
        if (spectrum) {
            gather_taps(spectrum, f, 4 * frequencies, frames, mean, inverse, k->x[1], w->conv_parts == 3 ? k->rest[1] : 0);
            add_parts(&taps, k->x[1], k->rest[1], w->conv_parts, 32, 32);
        } else
            for (int tap = 0; tap < 8 * w->conv_parts; tap++) {
                long r = 4 * f - 2 + tap % 8; /* beyond the edges there is a row of zeros */
                r = r < 0 ? -1 : r > 4 * frequencies ? 4 * frequencies : r;
                add_rows(&taps, frequency_row(in, r, frames, ci), ci, ci);
            }
        gelu_of(k, w, &taps, frames, k->y[0], x, rest);
        residual_branches(k, w, k->y[0], x, rest, frames);
        add_rows(&row, x, c, c);
        glu_of(k, w, &row, frames, embedding ? embedding + f * c : 0, 0, frequency_row(out, f, frames, c), 0);
    }
}

/* Encoder of the waveform: `in` holds (samples, channels) with two rows of zeros before, and enough behind. */
void encode_samples(const Scratch *k, const Layer *w, const act *in, const act *in_rest, act *out, long rows) {
    const long c = w->channels, ci = w->in_channels;
    act *x = k->x[0] + BESIDE * c, *rest = w->branch_parts == 3 ? k->rest[0] + BESIDE * c : 0;
    clear_edges(x, rows, c);
    clear_edges(rest, rows, c);
    Rows taps = {0}, row = {0};
    add_parts(&taps, in, in_rest, w->conv_parts, 4 * ci, 8 * ci);
    gelu_of(k, w, &taps, rows, k->y[0], x, rest);
    residual_branches(k, w, k->y[0], x, rest, rows);
    add_rows(&row, x, c, c);
    glu_of(k, w, &row, rows, 0, 0, out + BESIDE * c, 0);
}
