// cblas LIBRARY SECONDS: median GFLOP/s of the library's cblas_sgemm, one line
// "M N K NN GFLOP/s" per product read as "M N K" from standard input, for C = A·B
// and C = A·Bᵀ, operands row by row.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { row_major = 101, no_trans = 111, trans = 112, most = 10000 };

typedef void sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static float *matrix(long n) {
	float *m = aligned_alloc(64, (4 * n + 63) / 64 * 64);
	for (long i = 0; i < n; i++)
		m[i] = (float)(i % 101) / 101 - 0.5f;
	return m;
}

int main(int argc, char **argv) {
	if (argc != 3)
		return fprintf(stderr, "usage: cblas LIBRARY SECONDS\n"), 2;
	void *library = dlopen(argv[1], RTLD_NOW);
	sgemm *f = library ? (sgemm *)dlsym(library, "cblas_sgemm") : NULL;
	if (!f)
		return fprintf(stderr, "%s\n", dlerror()), 1;
	static double times[most];
	int m, n, k;
	while (scanf("%d %d %d", &m, &n, &k) == 3) {
		float *a = matrix((long)m * k), *b = matrix((long)k * n), *c = matrix((long)m * n);
		for (int transposed = 0; transposed < 2; transposed++) {
			int runs = -3; // the first ones warm up
			for (double end = seconds() + atof(argv[2]); runs < 5 || (runs < most && seconds() < end); runs++) {
				double start = seconds();
				f(row_major, no_trans, transposed ? trans : no_trans, m, n, k, 1, a, k, b, transposed ? k : n, 0, c, n);
				if (runs >= 0)
					times[runs] = seconds() - start;
			}
			qsort(times, runs, sizeof *times, ascending);
			printf("%d %d %d %s %.1f\n", m, n, k, transposed ? "NT" : "NN", 2e-9 * m * n * k / times[runs / 2]);
			fflush(stdout);
		}
		free(a), free(b), free(c);
	}
	return 0;
}
