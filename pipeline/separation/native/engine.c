/* HTDemucs, its four-stem model, on one thread of a CPU: a segment of a song in, its stems out.
 *
 * Built once for each kind of processor (setup.py); a product sums in float, everything between products is float. */
#include <stdlib.h>
#if !defined(_WIN32)
#include <sys/mman.h>
#endif
#include "decoders.h"
#include "transformer.h"
#include "spectrum.h"

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define LAYOUT 3 /* of the packed weights: that of weights.py, or the library is of other sources */
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
    float mean, deviation, wave_mean, wave_deviation;
    void *parts[64];
    int count, failed;
} Engine;

EXPORT int engine_layout(void) { return LAYOUT; }

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
    if (tiles_begin()) {
        free(e);
        return 0;
    }
    tiles_end();
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
    k->sums = zeros(e, (16 * NEAR + BEHIND) * 2 * PANEL * sizeof(float));
    k->hidden = zeros(e, (most_hidden + margin) * sizeof(float));
    k->hidden_act = zeros(e, (most_hidden + margin) * sizeof(act));
    k->hidden_rest = zeros(e, (most_hidden + margin) * sizeof(act));
    k->squares = zeros(e, 16 * SQUARES * 384 * sizeof(act) + margin);
    for (int i = 0; i < 2; i++) k->y[i] = zeros(e, (most + margin) * sizeof(float));
    for (int i = 0; i < 3; i++) {
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
    t->hidden = zeros(e, (TOKENS + BEHIND) * APART * sizeof(act));
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

/* Mean and standard deviation. */
static void level_of(const float *x, long count, float *mean, float *deviation) {
    double sum = 0, square = 0;
    for (long i = 0; i < count; i++) sum += x[i];
    const double m = sum / count;
    for (long i = 0; i < count; i++) square += (x[i] - m) * (x[i] - m);
    *mean = m;
    *deviation = __builtin_sqrt(square / (count - 1));
}

/* Spectrum and waveform of mix (2, samples) -> the rows of every level. */
EXPORT void engine_encode(Engine *e, const Model *model, const float *mix) {
    tiles_begin();
    analyse(&e->tables, mix, e->samples, e->spectrum, e->frames, e->re, e->im);
    level_of(e->spectrum, BINS * e->frames * 4, &e->mean, &e->deviation);
    level_of(mix, 2 * e->samples, &e->wave_mean, &e->wave_deviation);
    const float inverse = 1.0f / (1e-5f + e->deviation), wave_inverse = 1.0f / (1e-5f + e->wave_deviation);
    for (long q = 0; q < e->samples; q++)
        for (int c = 0; c < 2; c++) {
            act high[W], low[W];
            store_parts(high, low, all((mix[c * e->samples + q] - e->wave_mean) * wave_inverse));
            e->wave[(q + BESIDE) * 2 + c] = high[0];
            e->wave_rest[(q + BESIDE) * 2 + c] = low[0];
        }
    for (int i = 0; i < LEVELS; i++) {
        encode_samples(&e->scratch, &model->sample_encoders[i], i ? e->sample_rows[i - 1] : e->wave, e->wave_rest,
                       e->sample_rows[i], e->rows[i]);
        encode_frequencies(&e->scratch, &model->encoders[i], i ? 0 : e->spectrum, i ? e->spectrum_rows[i - 1] : 0,
                           e->spectrum_rows[i], e->frequencies[i], e->frames, i ? 0 : model->embedding, e->mean, inverse);
    }
    tiles_end();
}

/* The transformer: adds to the deepest rows. */
EXPORT void engine_transform(Engine *e, const Model *model) {
    tiles_begin();
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
    tiles_end();
}

/* Both decoders that take the rows of a level: they add to those of the next, or give stems (4, 2, samples). */
EXPORT void engine_decode(Engine *e, const Model *model, int level, float *stems) {
    tiles_begin();
    const int i = LEVELS - 1 - level;
    decode_frequencies(&e->scratch, &model->decoders[i], e->spectrum_rows[level], level ? e->spectrum_rows[level - 1] : 0,
                       e->spectra, e->frequencies[level], e->frames, e->mean, e->deviation);
    decode_samples(&e->scratch, &model->sample_decoders[i], e->sample_rows[level], level ? e->sample_rows[level - 1] : 0,
                   stems, e->rows[level], level ? e->rows[level - 1] : e->samples, e->wave_mean, e->wave_deviation);
    if (!level) synthesise(&e->tables, e->spectra, stems, e->samples, e->frames, e->re, e->im);
    tiles_end();
}

/* mix (2, samples) -> stems (4, 2, samples). */
EXPORT void engine_separate(Engine *e, const Model *model, const float *mix, float *stems) {
    engine_encode(e, model, mix);
    engine_transform(e, model);
    for (int level = LEVELS - 1; level >= 0; level--) engine_decode(e, model, level, stems);
}

/* Rows of a level, as one layer leaves them to the next: of frequencies, each `frames` and 4 rows of zeros, or of samples. */
EXPORT const act *engine_rows(const Engine *e, int of_samples, int level) {
    const long c = CHANNELS[level];
    return of_samples ? e->sample_rows[level] + BESIDE * c : frequency_row(e->spectrum_rows[level], 0, e->frames, c);
}
