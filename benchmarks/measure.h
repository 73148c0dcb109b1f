// How the runners of the peers time a call: warm up for a tenth of the seconds
// given, then measure_turns turns of as many calls as fill their share of the
// seconds. A turn's time is its mean; the result is the turns' median and least.
// Go's benchmarks with -test.count 5 and a fixed number of calls do the same.
#include <stdlib.h>
#include <time.h>

enum { measure_turns = 5 };

struct timing {
	double median, best; // seconds a call
};

static double measure_clock(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int measure_ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static struct timing measure(double seconds, void (*call)(void *), void *argument) {
	call(argument);
	long calls = 0;
	double start = measure_clock(), elapsed;
	do {
		call(argument);
		calls++;
	} while ((elapsed = measure_clock() - start) < seconds / 10);
	long turn = (long)(seconds / measure_turns / (elapsed / (double)calls));
	if (turn < 1)
		turn = 1;
	double times[measure_turns];
	for (int i = 0; i < measure_turns; i++) {
		start = measure_clock();
		for (long j = 0; j < turn; j++)
			call(argument);
		times[i] = (measure_clock() - start) / (double)turn;
	}
	qsort(times, measure_turns, sizeof *times, measure_ascending);
	struct timing t = {times[measure_turns / 2], times[0]};
	return t;
}
