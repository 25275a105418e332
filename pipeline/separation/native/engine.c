/* HTDemucs, its four-stem model, on one thread of a CPU: a segment of a song in, its stems out.
 *
 * Built once for each kind of processor (setup.py); a product sums in float, everything between products is float. */
#include <stdlib.h>
#if !defined(_WIN32)
#include <sys/mman.h>
#endif
#include "transformer.h"
#include "spectrum.h"

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define LEVELS 4
#define DEPTH_OF_TRANSFORMER 5

typedef struct {
    Layer encoders[LEVELS], sample_encoders[LEVELS], decoders[LEVELS], sample_decoders[LEVELS];
    Attention layers[DEPTH_OF_TRANSFORMER], sample_layers[DEPTH_OF_TRANSFORMER];
    Bridge bridge, sample_bridge;
    const float *embedding;
} Model;

typedef struct {
    long samples, frames, frequencies[LEVELS], rows[LEVELS];
    act *spectrum_rows[LEVELS], *sample_rows[LEVELS], *wave, *wave_rest;
    float *spectrum, *spectra, *tokens, *sample_tokens, *before;
    V *re, *im;
    Scratch scratch;
    Tokens attention;
    Tables tables;
    void *parts[64];
    int count, failed;
} Engine;

/* Zeros, in large pages where the system has them. */
static void *zeros(Engine *e, long bytes) {
    const long page = 2 << 20, size = PADDED(bytes + page / 8, page);
    void *p = 0;
#if defined(_WIN32)
    p = calloc(1, size);
#else
    if (posix_memalign(&p, page, size)) p = 0;
#ifdef MADV_HUGEPAGE
    if (p) madvise(p, size, MADV_HUGEPAGE);
#endif
    if (p) memset(p, 0, size);
#endif
    if (p)
        e->parts[e->count++] = p;
    else
        e->failed = 1;
    return p;
}

EXPORT void engine_free(Engine *e) {
    for (int i = 0; i < e->count; i++) free(e->parts[i]);
    free(e);
}

static const long CHANNELS[LEVELS] = {48, 96, 192, 384};

/* An engine for segments of so many samples; null if there is no memory, or no leave to use the processor's tiles. */
EXPORT Engine *engine_new(long samples) {
    Engine *e = calloc(1, sizeof(Engine));
    if (!e) return 0;
#ifdef AMX
    if (tiles_begin()) {
        free(e);
        return 0;
    }
    tiles_end();
#endif
    e->samples = samples;
    e->frames = (samples + HOP - 1) / HOP;
    fill_tables(&e->tables);
    long rows = samples, most = 0, most_hidden = 0;
    for (int i = 0; i < LEVELS; i++) {
        const long c = CHANNELS[i];
        e->frequencies[i] = BINS >> 2 * (i + 1);
        e->rows[i] = rows = (rows + 3) / 4;
        e->spectrum_rows[i] = zeros(e, (((e->frequencies[i] + 2) * (e->frames + 2 * BESIDE) + BEHIND) * c) * sizeof(act));
        e->sample_rows[i] = zeros(e, (rows + 2 * BESIDE + BEHIND + 8) * c * sizeof(act));
        const long longer = rows > e->frames ? rows : e->frames, hidden = PADDED(c / 8, DEPTH > PANEL ? DEPTH : PANEL);
        if (longer * c > most) most = longer * c;
        if (longer * hidden > most_hidden) most_hidden = longer * hidden;
    }
    const long token_count = e->frequencies[3] * e->frames > e->rows[3] ? e->frequencies[3] * e->frames : e->rows[3];
    const long tokens = (token_count + BEHIND) * WIDTH, keys = PADDED(token_count, KEYS);
    const long margin = (2 * BESIDE + BEHIND) * 384;
    Scratch *k = &e->scratch;
    e->wave = zeros(e, ((samples + 16) * 2 + 8 * BEHIND) * sizeof(act));
    e->wave_rest = zeros(e, ((samples + 16) * 2 + 8 * BEHIND) * sizeof(act));
    e->spectrum = zeros(e, BINS * e->frames * 4 * sizeof(float));
    e->spectra = zeros(e, PADDED(e->frames, W) * BINS * 16 * sizeof(float));
    e->re = zeros(e, FRAME * sizeof(V));
    e->im = zeros(e, FRAME * sizeof(V));
    e->tokens = zeros(e, tokens * sizeof(float));
    e->sample_tokens = zeros(e, tokens * sizeof(float));
    e->before = zeros(e, tokens * sizeof(float));
    k->sums = zeros(e, (BLOCK + BEHIND) * 2 * PANEL * sizeof(float));
    k->y = zeros(e, (most + margin) * sizeof(float));
    k->hidden = zeros(e, (most_hidden + margin) * sizeof(float));
    k->hidden_act = zeros(e, (most_hidden + margin) * sizeof(act));
    k->hidden_rest = zeros(e, (most_hidden + margin) * sizeof(act));
    for (int i = 0; i < 2; i++) {
        k->x[i] = zeros(e, (most + margin) * sizeof(act));
        k->rest[i] = zeros(e, (most + margin) * sizeof(act));
    }
    Tokens *t = &e->attention;
    t->normed = zeros(e, tokens * sizeof(act));
    t->keys_normed = zeros(e, tokens * sizeof(act));
    t->query = zeros(e, tokens * sizeof(act));
    t->key = zeros(e, tokens * sizeof(act));
    t->value = zeros(e, tokens * sizeof(act));
    t->attended = zeros(e, tokens * sizeof(act));
    t->packed_key = zeros(e, keys * HEAD * sizeof(act));
    t->packed_value = zeros(e, keys * HEAD * sizeof(act));
    t->hidden = zeros(e, (TOKENS + BEHIND) * HIDDEN * sizeof(act));
    t->weights = zeros(e, (QUERIES + BEHIND) * KEYS * sizeof(act));
    t->scores = zeros(e, (QUERIES + BEHIND) * KEYS * sizeof(float));
    t->head_sums = zeros(e, (QUERIES + BEHIND) * HEAD * sizeof(float));
    t->head_out = zeros(e, QUERIES * HEAD * sizeof(float));
    if (e->failed) {
        engine_free(e);
        return 0;
    }
    return e;
}

/* Mean and standard deviation, with `lost` degrees of freedom. */
static void level_of(const float *x, long count, float *mean, float *deviation) {
    double sum = 0, square = 0;
    for (long i = 0; i < count; i++) sum += x[i];
    const double m = sum / count;
    for (long i = 0; i < count; i++) square += (x[i] - m) * (x[i] - m);
    *mean = m;
    *deviation = __builtin_sqrt(square / (count - 1));
}

/* Encoders: the rows of every level from spectrum and waveform. */
static void encode(Engine *e, const Model *model, const float *mix, float mean, float deviation, float wave_mean,
                   float wave_deviation) {
    const float inverse = 1.0f / (1e-5f + deviation), wave_inverse = 1.0f / (1e-5f + wave_deviation);
    for (long q = 0; q < e->samples; q++)
        for (int c = 0; c < 2; c++) {
            V v = all((mix[c * e->samples + q] - wave_mean) * wave_inverse);
            act high[W], low[W];
            store_parts(high, low, v);
            e->wave[(q + BESIDE) * 2 + c] = high[0];
            e->wave_rest[(q + BESIDE) * 2 + c] = low[0];
        }
    for (int i = 0; i < LEVELS; i++) {
        encode_samples(&e->scratch, &model->sample_encoders[i], i ? e->sample_rows[i - 1] : e->wave, e->wave_rest,
                       e->sample_rows[i], e->rows[i]);
        encode_frequencies(&e->scratch, &model->encoders[i], i ? 0 : e->spectrum, i ? e->spectrum_rows[i - 1] : 0,
                           e->spectrum_rows[i], e->frequencies[i], e->frames, i ? 0 : model->embedding, mean, inverse);
    }
}

static void transform_tokens(Engine *e, const Model *model) {
    const long n = e->frequencies[3] * e->frames, m = e->rows[3];
    float *sums = e->scratch.sums;
    tokens_in(&e->attention, sums, &model->bridge, e->spectrum_rows[3], e->tokens, e->frequencies[3], e->frames);
    tokens_in(&e->attention, sums, &model->sample_bridge, e->sample_rows[3], e->sample_tokens, 1, m);
    for (int i = 0; i < DEPTH_OF_TRANSFORMER; i++) {
        if (model->layers[i].cross) memcpy(e->before, e->tokens, n * WIDTH * sizeof(float));
        attention_layer(&e->attention, sums, &model->layers[i], e->tokens, n, e->sample_tokens, m);
        attention_layer(&e->attention, sums, &model->sample_layers[i], e->sample_tokens, m, e->before, n);
    }
    tokens_out(&e->attention, sums, &model->bridge, e->tokens, e->spectrum_rows[3], e->frequencies[3], e->frames);
    tokens_out(&e->attention, sums, &model->sample_bridge, e->sample_tokens, e->sample_rows[3], 1, m);
}

/* mix (2, samples) -> stems (4, 2, samples). */
EXPORT void engine_separate(Engine *e, const Model *model, const float *mix, float *stems) {
#ifdef AMX
    tiles_begin();
#endif
    float mean, deviation, wave_mean, wave_deviation;
    analyse(&e->tables, mix, e->samples, e->spectrum, e->frames, e->re, e->im);
    level_of(e->spectrum, BINS * e->frames * 4, &mean, &deviation);
    level_of(mix, 2 * e->samples, &wave_mean, &wave_deviation);
    encode(e, model, mix, mean, deviation, wave_mean, wave_deviation);
    transform_tokens(e, model);
    for (int i = 0; i < LEVELS; i++) {
        const int level = LEVELS - 1 - i;
        decode_frequencies(&e->scratch, &model->decoders[i], e->spectrum_rows[level],
                           level ? e->spectrum_rows[level - 1] : 0, e->spectra, e->frequencies[level], e->frames, mean,
                           deviation);
        decode_samples(&e->scratch, &model->sample_decoders[i], e->sample_rows[level],
                       level ? e->sample_rows[level - 1] : 0, stems, e->rows[level], level ? e->rows[level - 1] : e->samples,
                       wave_mean, wave_deviation);
    }
    synthesise(&e->tables, e->spectra, stems, e->samples, e->frames, e->re, e->im);
#ifdef AMX
    tiles_end();
#endif
}
