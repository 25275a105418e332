/* AMX tiles, or the same in plain C so that what is built on them is tested where there are none. */
#pragma once
#ifdef EMULATED_TILES

typedef struct {
    uint8_t row[16][64];
} Tile;
static __thread Tile tiles[8];

INLINE int tiles_begin(void) { return 0; }
INLINE void tiles_end(void) {}
INLINE void tile_zero(int t) { memset(&tiles[t], 0, sizeof(Tile)); }
INLINE void tile_load(int t, const void *from, long bytes) {
    for (int i = 0; i < 16; i++) memcpy(tiles[t].row[i], (const char *)from + i * bytes, 64);
}
INLINE void tile_store(int t, void *to, long bytes) {
    for (int i = 0; i < 16; i++) memcpy((char *)to + i * bytes, tiles[t].row[i], 64);
}
INLINE float tile_value(const Tile *t, int row, int column) {
    uint16_t half;
    memcpy(&half, t->row[row] + 2 * column, 2);
    uint32_t bits = (uint32_t)half << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}
static void tile_multiply(int c, int a, int b) {
    float sums[16][16];
    memcpy(sums, &tiles[c], sizeof sums);
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 32; k++)
            for (int j = 0; j < 16; j++)
                sums[i][j] += tile_value(&tiles[a], i, k) * tile_value(&tiles[b], k / 2, 2 * j + k % 2);
    memcpy(&tiles[c], sums, sizeof sums);
}

#else
#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

#define tile_zero(t) _tile_zero(t)
#define tile_load(t, from, bytes) _tile_loadd(t, from, bytes)
#define tile_store(t, to, bytes) _tile_stored(t, to, bytes)
#define tile_multiply(c, a, b) _tile_dpbf16ps(c, a, b)

/* Ask the kernel for tiles, and set all eight to 16 rows of 64 bytes. Other code of the thread may have set them otherwise. */
static int tiles_begin(void) {
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } __attribute__((aligned(64))) shape = {.palette = 1};
    if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)) return 1;
    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = 64;
        shape.rows[i] = 16;
    }
    _tile_loadconfig(&shape);
    return 0;
}
static void tiles_end(void) { _tile_release(); }
#endif
