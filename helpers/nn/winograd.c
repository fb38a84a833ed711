/* 3x3 convolution with bias and activation on a CPU, by Winograd's minimal filtering F(4x4, 3x3).

   Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016. A tile of 4x4
   results takes 36 multiplications for each pair of channels instead of 144. Pictures are float32,
   (N, H, W, C) in memory; helpers/nn/winograd.py compiles this file and calls `convolve`.

   Every result is computed from its tile by one fixed sequence of operations. It depends neither on
   the number of threads nor on which tiles are processed together. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The vectors are GCC's, which Clang has too; no instruction set is named. */
#ifndef LANES
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#endif
#define WIDE (2 * LANES) /* channels of the result that are computed together */
#define STEP 6           /* tiles that are computed together: 12 sums and 3 more fit in 16 registers */
#define BLOCK 12         /* tiles whose transforms stay in the cache; by measurement, of 6 to 96 */
#define POINTS 36        /* 6x6, the transform of a tile */
#define MOST_THREADS 256

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int bits __attribute__((vector_size(4 * LANES), aligned(4)));

typedef struct {
  const float *x, *weights, *bias, *slope;
  float *y;
  long x_pixel, y_pixel;        /* floats from one pixel to the next */
  int height, width, down, across, tiles;
  int channels, results, parts; /* the results are divided into parts if there are few tiles */
  int jobs, next, done;
} Work;

int lanes(void) { return LANES; }

static inline vec load(const float *from) { return *(const vec *)from; }

static inline void store(float *to, vec value) { *(vec *)to = value; }

static inline void transform_six(const vec d[6], vec out[6]) {
  vec even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
  vec even2 = d[4] - d[2], odd2 = 2 * (d[3] - d[1]);
  out[0] = 4 * d[0] - 5 * d[2] + d[4];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
  out[5] = 4 * d[1] - 5 * d[3] + d[5];
}

static inline void reduce_six(const vec m[6], vec out[4]) {
  vec even = m[1] + m[2], odd = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
  out[0] = m[0] + even + even2;
  out[1] = odd + 2 * odd2;
  out[2] = even + 4 * even2;
  out[3] = odd + 8 * odd2 + m[5];
}

/* Transform 6x6 pixels; the points of the transform are `plane` floats apart. */
static void transform(const float *x, long row, long pixel, int channels, float *out, long plane) {
  for (int at = 0; at < channels; at += LANES) {
    vec half[6][6];
    for (int j = 0; j < 6; j++) {
      vec column[6], made[6];
      for (int i = 0; i < 6; i++) column[i] = load(x + i * row + j * pixel + at);
      transform_six(column, made);
      for (int i = 0; i < 6; i++) half[i][j] = made[i];
    }
    for (int i = 0; i < 6; i++) {
      vec made[6];
      transform_six(half[i], made);
      for (int j = 0; j < 6; j++) store(out + (i * 6 + j) * plane + at, made[j]);
    }
  }
}

/* Transform the 6x6 pixels of a tile, with zeros outside of the picture. */
static void transform_tile(const Work *work, int tile, float *patch, float *out, long plane) {
  int top = tile / work->across % work->down * 4 - 1, left = tile % work->across * 4 - 1;
  int height = work->height, width = work->width, channels = work->channels;
  long first = (long)(tile / work->across / work->down) * height * width;
  const float *x = work->x + first * work->x_pixel;
  if (top >= 0 && left >= 0 && top + 6 <= height && left + 6 <= width) {
    x += ((long)top * width + left) * work->x_pixel;
    transform(x, width * work->x_pixel, work->x_pixel, channels, out, plane);
    return;
  }
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) {
      int row = top + i, column = left + j;
      float *to = patch + (i * 6 + j) * channels;
      if (row < 0 || column < 0 || row >= height || column >= width)
        memset(to, 0, sizeof(float) * channels);
      else
        memcpy(to, x + ((long)row * width + column) * work->x_pixel, sizeof(float) * channels);
    }
  transform(patch, 6 * channels, channels, channels, out, plane);
}

/* Multiply STEP tiles, (STEP, channels), by weights, (channels, WIDE). */
static void multiply(const float *seen, const float *weights, int channels, float *out) {
  vec sum[STEP][2];
  for (int i = 0; i < STEP; i++) sum[i][0] = sum[i][1] = (vec){0};
  for (int at = 0; at < channels; at++) {
    vec left = load(weights + at * WIDE), right = load(weights + at * WIDE + LANES);
    for (int i = 0; i < STEP; i++) {
      float value = seen[i * channels + at];
      sum[i][0] += value * left;
      sum[i][1] += value * right;
    }
  }
  for (int i = 0; i < STEP; i++) {
    store(out + i * WIDE, sum[i][0]);
    store(out + i * WIDE + LANES, sum[i][1]);
  }
}

/* Turn WIDE channels of a tile's products into pixels, with bias and activation. */
static void finish_tile(const Work *work, int tile, int channel, const float *products) {
  int top = tile / work->across % work->down * 4, left = tile % work->across * 4;
  int rows = work->height - top < 4 ? work->height - top : 4;
  int columns = work->width - left < 4 ? work->width - left : 4;
  long row = (long)(tile / work->across / work->down) * work->height + top;
  float *y = work->y + (row * work->width + left) * work->y_pixel + channel;
  for (int at = 0; at < WIDE; at += LANES) {
    vec bias = load(work->bias + channel + at), slope = load(work->slope + channel + at);
    vec half[4][6], one = (vec){0} + 1;
    for (int j = 0; j < 6; j++) {
      vec column[6], made[4];
      for (int i = 0; i < 6; i++) column[i] = load(products + (i * 6 + j) * BLOCK * WIDE + at);
      reduce_six(column, made);
      for (int i = 0; i < 4; i++) half[i][j] = made[i];
    }
    for (int i = 0; i < rows; i++) {
      vec made[4];
      reduce_six(half[i], made);
      for (int j = 0; j < columns; j++) {
        vec value = made[j] + bias;
        bits low = value < 0;
        vec factor = (vec)(((bits)slope & low) | ((bits)one & ~low));
        store(y + ((long)i * work->width + j) * work->y_pixel + at, value * factor);
      }
    }
  }
}

/* Do one job: some of the channels of the results of a block of tiles. */
static void do_job(const Work *work, int job, float *seen, float *products, float *patch) {
  int channels = work->channels, begin = job / work->parts * BLOCK, part = job % work->parts;
  int count = work->tiles - begin < BLOCK ? work->tiles - begin : BLOCK;
  int full = (count + STEP - 1) / STEP * STEP, groups = work->results / WIDE;
  long plane = (long)BLOCK * channels;
  for (int tile = 0; tile < count; tile++)
    transform_tile(work, begin + tile, patch, seen + (long)tile * channels, plane);
  for (int point = 0; full > count && point < POINTS; point++)
    memset(seen + point * plane + (long)count * channels, 0,
           sizeof(float) * channels * (full - count));
  for (int group = part * groups / work->parts; group < (part + 1) * groups / work->parts; group++) {
    for (int point = 0; point < POINTS; point++) {
      const float *weights = work->weights + ((long)group * POINTS + point) * channels * WIDE;
      for (int tile = 0; tile < full; tile += STEP)
        multiply(seen + point * plane + (long)tile * channels, weights, channels,
                 products + ((long)point * BLOCK + tile) * WIDE);
    }
    for (int tile = 0; tile < count; tile++)
      finish_tile(work, begin + tile, group * WIDE, products + (long)tile * WIDE);
  }
}

static void *do_jobs(void *given) {
  Work *work = given;
  long seen = (long)POINTS * BLOCK * work->channels, products = (long)POINTS * BLOCK * WIDE;
  long patch = (long)POINTS * work->channels;
  float *room = aligned_alloc(64, sizeof(float) * ((seen + products + patch + 15) / 16 * 16));
  if (!room) return NULL;
  for (;;) {
    int job = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED);
    if (job >= work->jobs) break;
    do_job(work, job, room, room + seen, room + seen + products);
    __atomic_fetch_add(&work->done, 1, __ATOMIC_RELAXED);
  }
  free(room);
  return NULL;
}

/* Convolve, and multiply what is below 0 by a slope.

   x: (count, height, width, channels), of which pixels are x_pixel floats apart.
   weights: (results / WIDE, POINTS, channels, WIDE), transformed.
   bias, slope: (results).
   y: (count, height, width, results), of which pixels are y_pixel floats apart.
   channels: a multiple of LANES; results: a multiple of WIDE.

   Returns 0, or 1 if there is not enough memory. */
int convolve(const float *x, long x_pixel, int count, int height, int width, int channels,
             const float *weights, const float *bias, const float *slope, float *y, long y_pixel,
             int results, int threads) {
  Work work = {.x = x, .weights = weights, .bias = bias, .slope = slope, .y = y,
               .x_pixel = x_pixel, .y_pixel = y_pixel, .height = height, .width = width,
               .down = (height + 3) / 4, .across = (width + 3) / 4,
               .channels = channels, .results = results};
  work.tiles = count * work.down * work.across;
  int blocks = (work.tiles + BLOCK - 1) / BLOCK;
  threads = threads < MOST_THREADS ? threads : MOST_THREADS;
  work.parts = (threads + blocks - 1) / blocks;
  if (work.parts > results / WIDE) work.parts = results / WIDE;
  work.jobs = blocks * work.parts;
  pthread_t started[MOST_THREADS];
  int others = 0;
  while (others < threads - 1 && others < work.jobs - 1 &&
         pthread_create(&started[others], NULL, do_jobs, &work) == 0)
    others++;
  do_jobs(&work);
  for (int i = 0; i < others; i++) pthread_join(started[i], NULL);
  return work.done < work.jobs;
}
