// libxsmm: the rate of products with block-sparse weights by libxsmm's
// batch-reduce kernels. Reads lines "mode density M N K seconds" from standard
// input, mode int8 (u8·s8 to s32) or f32, and answers each with
// "mode/density MxNxK median best microseconds": GOP/s on the blocks that are
// kept (2·M·1024 operations each), and the median's time. Threads: OMP_NUM_THREADS.
//
// Y (M×N) = X (M×K) · W (K×N), W in blocks of 32×32, of which
// kept = round(density · blocks) are there, chosen without regard to rows or
// columns: block i of those in order, column of blocks after column of blocks,
// is kept where random(blocks − i) < kept − (kept so far), random(n) being
// (state >> 33) mod n of state = state · 6364136223846793005 + 1442695040888963407
// from state = 1.
//
// One kernel call sums up all blocks of a column of blocks for 32, 64 or 128
// rows of X, with rows or columns of blocks in the outer loop: whichever of
// these is fastest is measured. One element is checked against a plain sum.
#include <libxsmm.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "measure.h"

enum { side = 32, area = side * side, most_rows = 128, most_blocks = 256 };

struct product {
	int int8, m, n, k;
	int rows, columns_first; // the arrangement: rows of X a call, order of the loops
	int *start, *block;      // column j has blocks start[j] ≤ e < start[j+1], at row of blocks block[e]
	const char **weights;    // where block e lies
	char *x, *y;
	int size; // bytes of an element of X and W
	libxsmm_subimmfunction_reducebatch_addr i8;
	libxsmm_smmfunction_reducebatch_addr f32;
};

static uint64_t state;

static uint32_t random_below(uint32_t n) {
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static void *buffer(size_t bytes) {
	void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
	if (!p)
		exit(1);
	return memset(p, 0, bytes);
}

// element is element i of a buffer of X or W.
static double element(const struct product *p, const char *b, size_t i, int is_signed) {
	if (!p->int8)
		return ((const float *)b)[i];
	return is_signed ? (double)((const int8_t *)b)[i] : (double)((const uint8_t *)b)[i];
}

static void fill(const struct product *p, char *b, size_t n) {
	for (size_t i = 0; i < n; i++) {
		int v = (int)random_below(128) - 64;
		if (p->int8)
			b[i] = (char)v;
		else
			((float *)b)[i] = (float)v / 64;
	}
}

// one tile: the rows of X from row on, by the columns of block column j. The
// kernels move the addresses in the lists along as they run, so threads cannot
// share a list.
static void tile(const struct product *p, int row, int j) {
	const char *x[most_blocks], *w[most_blocks];
	unsigned long long count = (unsigned long long)(p->start[j + 1] - p->start[j]);
	const int *block = p->block + p->start[j];
	const char **weights = p->weights + p->start[j];
	char *y = p->y + 4 * ((size_t)row * (size_t)p->n + (size_t)j * side);
	if (count == 0) {
		for (int r = 0; r < p->rows; r++)
			memset(y + 4 * (size_t)r * (size_t)p->n, 0, 4 * side);
		return;
	}
	const char *base = p->x + (size_t)p->size * (size_t)row * (size_t)p->k;
	for (unsigned long long e = 0; e < count; e++)
		w[e] = weights[e], x[e] = base + block[e] * side * p->size;
	if (p->int8)
		p->i8(w, (const unsigned char **)x, (int *)y, &count);
	else
		p->f32((const float **)w, (const float **)x, (float *)y, &count);
}

static void multiply(void *argument) {
	const struct product *p = argument;
	int tiles = p->m / p->rows, columns = p->n / side;
	if (p->columns_first) {
#pragma omp parallel for collapse(2) schedule(static)
		for (int j = 0; j < columns; j++)
			for (int t = 0; t < tiles; t++)
				tile(p, t * p->rows, j);
	} else {
#pragma omp parallel for collapse(2) schedule(static)
		for (int t = 0; t < tiles; t++)
			for (int j = 0; j < columns; j++)
				tile(p, t * p->rows, j);
	}
}

// arrange prepares one arrangement; it tells whether there is such a kernel.
static int arrange(struct product *p, int rows, int columns_first) {
	int lda = side, ldb = p->k, ldc = p->n, flags = p->int8 ? LIBXSMM_GEMM_FLAG_VNNI_A : LIBXSMM_GEMM_FLAG_NONE;
	p->rows = rows, p->columns_first = columns_first;
	if (p->int8) {
		int alpha = 1, beta = 0;
		p->i8 = libxsmm_subimmdispatch_reducebatch_addr(side, rows, side, &lda, &ldb, &ldc, &alpha, &beta, &flags, NULL);
		return p->i8 != NULL;
	}
	float alpha = 1, beta = 0;
	p->f32 = libxsmm_smmdispatch_reducebatch_addr(side, rows, side, &lda, &ldb, &ldc, &alpha, &beta, &flags, NULL);
	return p->f32 != NULL;
}

static void check(const struct product *p, const char *w) {
	int row = p->m / 3, column = p->n / 2 + 5, j = column / side, c = column % side;
	double want = 0, size = 0;
	for (int e = p->start[j]; e < p->start[j + 1]; e++)
		for (int i = 0; i < side; i++) {
			size_t at = (size_t)e * area + (size_t)(p->int8 ? i / 4 * 4 * side + 4 * c + i % 4 : i * side + c);
			double v = element(p, p->x, (size_t)row * (size_t)p->k + (size_t)(p->block[e] * side + i), 0) * element(p, w, at, 1);
			want += v, size += fabs(v);
		}
	size_t at = (size_t)row * (size_t)p->n + (size_t)column;
	double got = p->int8 ? (double)((int32_t *)p->y)[at] : (double)((float *)p->y)[at];
	if (!(fabs(got - want) <= (p->int8 ? 0 : 1e-5 * size))) {
		fprintf(stderr, "libxsmm: element (%d, %d) is %g, want %g\n", row, column, got, want);
		exit(1);
	}
}

static void run(int int8, const char *density, int m, int n, int k, double seconds) {
	int columns = n / side, blocks = columns * (k / side), kept = (int)(atof(density) * blocks + 0.5);
	struct product p = {.int8 = int8, .m = m, .n = n, .k = k, .size = int8 ? 1 : 4};
	p.start = buffer(sizeof *p.start * (size_t)(columns + 1));
	p.block = buffer(sizeof *p.block * (size_t)kept);
	p.weights = buffer(sizeof *p.weights * (size_t)kept);
	char *w = buffer((size_t)kept * area * (size_t)p.size);
	p.x = buffer((size_t)m * (size_t)k * (size_t)p.size);
	p.y = buffer((size_t)m * (size_t)n * 4);
	state = 1;
	int e = 0;
	for (int i = 0; i < blocks; i++) {
		int j = i / (k / side);
		if ((int)random_below((uint32_t)(blocks - i)) < kept - e) {
			p.weights[e] = w + (size_t)e * area * (size_t)p.size;
			p.block[e++] = i % (k / side);
		}
		p.start[j + 1] = e;
	}
	fill(&p, w, (size_t)kept * area);
	fill(&p, p.x, (size_t)m * (size_t)k);

	// A sixth of the time for each arrangement, then the fastest.
	double fastest = INFINITY;
	int rows = 0, columns_first = 0;
	for (int r = m < side ? m : side; r <= most_rows && r <= m; r *= 2)
		for (int first = 0; first < 2; first++)
			if (m % r == 0 && arrange(&p, r, first)) {
				struct timing t = measure(seconds / 6, multiply, &p);
				if (t.median < fastest)
					fastest = t.median, rows = r, columns_first = first;
			}
	if (rows == 0) {
		fprintf(stderr, "libxsmm: no kernel for %s, M = %d\n", int8 ? "int8" : "f32", m);
		exit(1);
	}
	arrange(&p, rows, columns_first);
	struct timing t = measure(seconds, multiply, &p);
	check(&p, w);
	double operations = 2e-9 * m * area * kept;
	printf("%s/%s %dx%dx%d %g %g %g\n", int8 ? "int8" : "f32", density, m, n, k, operations / t.median, operations / t.best, 1e6 * t.median);
	fflush(stdout);
	free(p.start), free(p.block), free(p.weights), free(w), free(p.x), free(p.y);
}

int main(void) {
	char mode[8], density[16];
	int m, n, k;
	double seconds;
	while (scanf("%7s %15s %d %d %d %lf", mode, density, &m, &n, &k, &seconds) == 6) {
		int int8 = strcmp(mode, "int8") == 0;
		if ((!int8 && strcmp(mode, "f32") != 0) || m < 1 || n % side || k % side || k / side > most_blocks) {
			fprintf(stderr, "libxsmm: cannot run %s %d %d %d\n", mode, m, n, k);
			return 2;
		}
		run(int8, density, m, n, k, seconds);
	}
	return 0;
}
