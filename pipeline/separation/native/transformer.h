/* The transformer of HTDemucs: tokens of 512 values in float, products of them, attention by blocks of keys. */
#pragma once
#include "layers.h"

#define WIDTH 512
#define HEADS 8
#define HEAD (WIDTH / HEADS)
#define HIDDEN 2048
#define APART (HIDDEN + 32) /* from row to row: of 4,096 bytes, all would want the same lines of the cache */
#define TOKENS NEAR
#define KEYS 448  /* at a time: their scores stay in the cache */

/* `cross`: keys and values come from the other branch. Norms are of the query's tokens, the key's, those before the
 * feed-forward layer, and all tokens after it. Scales of the residuals are in the weights. */
typedef struct {
    const act *query, *key_value, *out, *up, *down;
    const float *query_bias, *key_value_bias, *out_bias, *up_bias, *down_bias;
    const float *query_gain, *query_shift, *key_gain, *key_shift, *up_gain, *up_shift, *end_gain, *end_shift;
    long cross;
} Attention;

/* Arrays of the transformer at work, for `tokens` of the longer branch. */
typedef struct {
    act *normed, *keys_normed, *query, *key, *value, *packed_key, *packed_value, *attended, *hidden, *weights;
    float *scores, *head_sums, *head_out;
} Tokens;

INLINE void mean_and_inverse(const float *x, float *mean, float *inverse) {
    V sum = {0}, square = {0};
    for (int c = 0; c < WIDTH; c += W) sum += load(x + c);
    *mean = sum_v(sum) / WIDTH;
    for (int c = 0; c < WIDTH; c += W) {
        V v = load(x + c) - *mean;
        square += v * v;
    }
    *inverse = 1.0f / __builtin_sqrtf(sum_v(square) / WIDTH + 1e-5f);
}

static void layer_norm(const float *x, act *out, long tokens, const float *gain, const float *shift) {
    for (long i = 0; i < tokens; i++, x += WIDTH, out += WIDTH) {
        float mean, inverse;
        mean_and_inverse(x, &mean, &inverse);
        for (int c = 0; c < WIDTH; c += W)
            store_act(out + c, (load(x + c) - mean) * inverse * load(gain + c) + load(shift + c));
    }
}

/* Tokens begin to end of (tokens, depth) by a matrix: `body` finds W sums `v` of token m at columns `i`. */
#define FOR_TOKENS(in, stride, depth, begin, end, matrix, columns, sums, body)                      \
    {                                                                                       \
        Rows rows_ = {0};                                                                   \
        add_rows(&rows_, in, stride, depth);                                                 \
        for (long first_ = (begin); first_ < (end); first_ += TOKENS) {                     \
            const long count_ = (end)-first_ < TOKENS ? (end)-first_ : TOKENS;              \
            FOR_PRODUCT(&rows_, matrix, columns, first_, count_, sums, {                    \
                for (long j_ = 0; j_ < width; j_ += W) {                                    \
                    const long i = n + j_;                                                  \
                    const V v = load(s + j_);                                               \
                    body                                                                    \
                }                                                                           \
            })                                                                              \
        }                                                                                   \
    }

/* Keys as the matrix (HEAD, keys), packed as products take it: STEP values of a key are as wide as a float. */
static void pack_keys(const act *key, long padded, act *packed) {
    for (long k = 0; k < padded; k += W) {
        float *to = (float *)packed + k / PANEL * PANEL * (HEAD / STEP) + k % PANEL;
        for (int c = 0; c < HEAD / STEP; c += W) {
            V columns[W];
            turn((const float *)(key + k * WIDTH) + c, WIDTH / STEP, columns);
            for (int j = 0; j < W; j++) store(to + (c + j) * PANEL, columns[j]);
        }
    }
}

/* Values as the matrix (keys, HEAD): block of keys, panel, STEP keys, column. */
static void pack_values(const act *value, long padded, act *packed) {
    for (long block = 0; block < padded; block += KEYS) {
        const long count = padded - block < KEYS ? padded - block : KEYS;
        for (long k = 0; k < count; k += STEP)
            for (int c = 0; c < HEAD; c += W) {
                const act *from = value + (block + k) * WIDTH + c;
                float *to = (float *)(packed + block * HEAD + c / PANEL * PANEL * count + (k * PANEL + c % PANEL * STEP));
#if STEP == 2
                store(to, (V)((VI)load_act(from + WIDTH) | ((VI)load_act(from) >> 16 & 0xffff)));
#else
                store(to, load(from));
#endif
            }
    }
}

#ifdef BF16 /* the weights are rounded to 8 bits after: 1e-4 is enough */
INLINE V exp2_weight(V x) {
#if W < 16
    x = vmax(x, all(-126.0f));
#endif
    V n = round_v(x), f = x - n;
    return scaled(((5.5171669e-2f * f + 2.4261115e-1f) * f + 6.9326099e-1f) * f + 9.9992829e-1f, n);
}
#else
#define exp2_weight exp2_v
#endif

/* Weights of a block of keys from their scores, and what the maximum does to earlier sums. */
INLINE void weigh(float *scores, long count, act *weights, float *maximum, float *total, float *rescale) {
    V most = load(scores);
    for (long j = W; j < count; j += W) most = vmax(most, load(scores + j));
    const float now = max_v(most), before = *maximum, limit = now > before ? now : before;
    V sum = {0};
    for (long j = 0; j < count; j += 2 * W) { /* of two panels */
        const V first = exp2_weight(load(scores + j) - limit), second = exp2_weight(load(scores + j + W) - limit);
        sum += first + second;
        store_two(weights + j, first, second);
    }
    const V factor = exp2_v(all(before - limit));
    *rescale = factor[0];
    *total = *total * *rescale + sum_v(sum);
    *maximum = limit;
}

/* Attention of all heads: `query` is scaled by log2(e) / sqrt(HEAD). What is read beyond the last key has no weight. */
static void attend(const Tokens *t, long queries, long keys) {
    const long padded = PADDED(keys, 2 * PANEL);
    float *scores = t->scores, *sums = t->head_sums, *out = t->head_out;
    act *weights = t->weights;
    for (int head = 0; head < HEADS; head++) {
        pack_keys(t->key + head * HEAD, padded, t->packed_key);
        pack_values(t->value + head * HEAD, padded, t->packed_value);
        for (long q = 0; q < queries; q += QUERIES) {
            const long rows = queries - q < QUERIES ? queries - q : QUERIES;
            float maximum[QUERIES], total[QUERIES], rescale[QUERIES];
            for (int i = 0; i < rows; i++) maximum[i] = -1e30f, total[i] = 0;
            memset(out, 0, QUERIES * HEAD * sizeof(float));
            Rows a = {0};
            add_rows(&a, t->query + q * WIDTH + head * HEAD, WIDTH, HEAD);
            for (long k = 0; k < padded; k += KEYS) {
                const long count = padded - k < KEYS ? padded - k : KEYS;
                for (int i = 0; i < rows; i++) {
                    float *s = scores + i % TOGETHER * KEYS;
                    if (i % TOGETHER == 0)
                        multiply(&a, i, t->packed_key + k * HEAD, count, rows - i < TOGETHER ? rows - i : TOGETHER, s, KEYS);
                    for (long j = keys - k; j < count; j++) s[j] = -1e30f;
                    weigh(s, count, weights + i * KEYS, maximum + i, total + i, rescale + i);
                }
                Rows p = {0};
                add_rows(&p, weights, KEYS, count);
                multiply(&p, 0, t->packed_value + k * HEAD, HEAD, rows, sums, HEAD);
                for (int i = 0; i < rows; i++)
                    for (int c = 0; c < HEAD; c += W) {
                        const int at = i * HEAD + c;
                        store(out + at, load(out + at) * rescale[i] + load(sums + at));
                    }
            }
            for (int i = 0; i < rows; i++)
                for (int c = 0; c < HEAD; c += W)
                    store_act(t->attended + (q + i) * WIDTH + head * HEAD + c, load(out + i * HEAD + c) / total[i]);
        }
    }
}

/* x += down(GELU(up(norm x))), then the norm over all tokens. */
static void feed_forward(const Tokens *t, float *sums, const Attention *w, float *x, long tokens) {
    layer_norm(x, t->normed, tokens, w->up_gain, w->up_shift);
    Moments of = {0, 0};
    for (long first = 0; first < tokens; first += TOKENS) {
        const long count = tokens - first < TOKENS ? tokens - first : TOKENS;
        FOR_TOKENS(t->normed + first * WIDTH, WIDTH, WIDTH, 0, count, w->up, HIDDEN, sums,
                   { store_act(t->hidden + m * APART + i, gelu(v + load(w->up_bias + i))); })
        float *rows = x + first * WIDTH;
        V sum = {0}, square = {0};
        FOR_TOKENS(t->hidden, APART, HIDDEN, 0, count, w->down, WIDTH, sums, {
            float *to = rows + m * WIDTH + i;
            V y = load(to) + v + load(w->down_bias + i);
            store(to, y);
            sum += y;
            square += y * y;
        })
        of.sum += sum_v(sum);
        of.square += sum_v(square);
    }
    float mean, inverse;
    norm_of(of, (double)tokens * WIDTH, &mean, &inverse);
    for (long m = 0; m < tokens; m++)
        for (int c = 0; c < WIDTH; c += W) {
            float *to = x + m * WIDTH + c;
            store(to, (load(to) - mean) * inverse * load(w->end_gain + c) + load(w->end_shift + c));
        }
}

/* One layer: x (tokens, WIDTH) attends to itself, or to `other`. */
void attention_layer(const Tokens *t, float *sums, const Attention *w, float *x, long tokens, const float *other,
                     long others) {
    const float scale = LOG2_E / 8; /* sqrt(HEAD) */
    const act *keys = t->normed;
    layer_norm(x, t->normed, tokens, w->query_gain, w->query_shift);
    if (w->cross) {
        layer_norm(other, t->keys_normed, others, w->key_gain, w->key_shift);
        keys = t->keys_normed;
    } else
        others = tokens;
    FOR_TOKENS(t->normed, WIDTH, WIDTH, 0, tokens, w->query, WIDTH, sums,
               { store_act(t->query + m * WIDTH + i, (v + load(w->query_bias + i)) * scale); })
    FOR_TOKENS(keys, WIDTH, WIDTH, 0, others, w->key_value, 2 * WIDTH, sums, {
        act *to = i < WIDTH ? t->key + m * WIDTH + i : t->value + m * WIDTH + i - WIDTH;
        store_act(to, v + load(w->key_value_bias + i));
    })
    attend(t, tokens, others);
    FOR_TOKENS(t->attended, WIDTH, WIDTH, 0, tokens, w->out, WIDTH, sums, {
        float *to = x + m * WIDTH + i;
        store(to, load(to) + v + load(w->out_bias + i));
    })
    feed_forward(t, sums, w, x, tokens);
}

/* Into the transformer and out of it: 1x1 convolutions between rows of 384 channels and tokens. Token t * F + f is frame t
 * of frequency f; of the waveform F is 1. */
typedef struct {
    const act *in, *out;
    const float *in_bias, *out_bias, *gain, *shift, *position;
} Bridge;

#define DEEPEST 384

INLINE act *token_row(act *rows, long token, long frequencies, long frames) {
    return frequencies == 1 ? rows + (token + BESIDE) * DEEPEST
                            : frequency_row(rows, token % frequencies, frames, DEEPEST) + token / frequencies * DEEPEST;
}

void tokens_in(const Tokens *t, float *sums, const Bridge *w, act *rows, float *x, long frequencies, long frames) {
    const long tokens = frequencies * frames;
    for (long i = 0; i < tokens; i++)
        memcpy(t->attended + i * DEEPEST, token_row(rows, i, frequencies, frames), DEEPEST * sizeof(act));
    FOR_TOKENS(t->attended, DEEPEST, DEEPEST, 0, tokens, w->in, WIDTH, sums,
               { store(x + m * WIDTH + i, v + load(w->in_bias + i)); })
    for (long m = 0; m < tokens; m++) {
        float mean, inverse, *row = x + m * WIDTH;
        mean_and_inverse(row, &mean, &inverse);
        for (int c = 0; c < WIDTH; c += W) {
            V v = (load(row + c) - mean) * inverse * load(w->gain + c) + load(w->shift + c);
            store(row + c, v + load(w->position + m * WIDTH + c));
        }
    }
}

/* Adds to `rows`, which hold the skip. */
void tokens_out(const Tokens *t, float *sums, const Bridge *w, const float *x, act *rows, long frequencies, long frames) {
    const long tokens = frequencies * frames;
    for (long i = 0; i < tokens * WIDTH; i += W) store_act(t->normed + i, load(x + i));
    FOR_TOKENS(t->normed, WIDTH, WIDTH, 0, tokens, w->out, DEEPEST, sums, {
        act *to = token_row(rows, m, frequencies, frames) + i;
        store_act(to, load_act(to) + v + load(w->out_bias + i));
    })
}
