// ort LIBRARY MODEL THREADS [FUSIONS]: runs a BERT model of bert_onnx.py on a
// libonnxruntime.so. Prints its version, then for every line
//
//	COLUMNS LENGTH...
//
// of standard input, a batch of sequences of these lengths padded to COLUMNS
// tokens, one line with the seconds that the batch took and its first logit.
// FUSIONS are those of the library's own that it shall leave alone, by name with
// semicolons between them.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <onnxruntime_c_api.h>

static const OrtApi *ort;

static void check(OrtStatus *status) {
	if (status) {
		fprintf(stderr, "ort: %s\n", ort->GetErrorMessage(status));
		exit(1);
	}
}

static void fail(const char *what) {
	fprintf(stderr, "ort: %s\n", what);
	exit(1);
}

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static OrtSession *open_session(const char *model, int threads, const char *unwanted) {
	OrtEnv *env;
	OrtSessionOptions *options;
	OrtSession *session;
	check(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "jpqd", &env));
	check(ort->CreateSessionOptions(&options));
	check(ort->SetIntraOpNumThreads(options, threads));
	check(ort->SetInterOpNumThreads(options, 1));
	check(ort->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
	if (unwanted)
		check(ort->AddSessionConfigEntry(options, "optimization.disable_specified_optimizers", unwanted));
	check(ort->CreateSession(env, model, options, &session));
	return session;
}

// batch is the input of a run; ids are random words, and zero behind a length.
struct batch {
	int64_t shape[2], *ids, *mask, *types;
	size_t room;
};

// parse reads a line into b.
static void parse(char *line, struct batch *b) {
	char *end;
	long columns = strtol(line, &end, 10), length;
	if (end == line || columns < 1 || columns > 512)
		fail("found no number of columns from 1 to 512");
	b->shape[0] = 0;
	b->shape[1] = columns;
	uint32_t random = 1;
	for (line = end; length = strtol(line, &end, 10), end != line; line = end) {
		if (length < 1 || length > columns)
			fail("found a length that is not from 1 to the number of columns");
		size_t at = (size_t)(b->shape[0]++ * columns), need = at + (size_t)columns;
		if (need > b->room) {
			b->room = 2 * need;
			b->ids = realloc(b->ids, b->room * sizeof *b->ids);
			b->mask = realloc(b->mask, b->room * sizeof *b->mask);
			b->types = realloc(b->types, b->room * sizeof *b->types);
			if (!b->ids || !b->mask || !b->types)
				fail("out of memory");
		}
		for (long i = 0; i < columns; i++) {
			random = random * 1664525 + 1013904223;
			b->mask[at + (size_t)i] = i < length;
			b->ids[at + (size_t)i] = i < length ? random / 65536 % 30000 : 0;
			b->types[at + (size_t)i] = 0;
		}
	}
	if (b->shape[0] == 0)
		fail("found no lengths");
}

int main(int argc, char **argv) {
	if (argc != 4 && argc != 5)
		fail("want LIBRARY MODEL THREADS [FUSIONS]");
	void *library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	if (!library)
		fail(dlerror());
	const OrtApiBase *(*base)(void) = (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase");
	if (!base || !(ort = base()->GetApi(ORT_API_VERSION)))
		fail("the library does not have this API");
	OrtSession *session = open_session(argv[2], atoi(argv[3]), argv[4]);
	OrtMemoryInfo *memory;
	check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
	printf("%s\n", base()->GetVersionString());
	fflush(stdout);

	const char *names[] = {"input_ids", "attention_mask", "token_type_ids"}, *outputs[] = {"logits"};
	struct batch b = {0};
	char *line = NULL;
	size_t room = 0;
	while (getline(&line, &room, stdin) > 0) {
		parse(line, &b);
		size_t bytes = sizeof(int64_t) * (size_t)(b.shape[0] * b.shape[1]);
		int64_t *data[] = {b.ids, b.mask, b.types};
		OrtValue *in[3], *out = NULL;
		for (int i = 0; i < 3; i++)
			check(ort->CreateTensorWithDataAsOrtValue(memory, data[i], bytes, b.shape, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &in[i]));
		double begun = seconds();
		check(ort->Run(session, NULL, names, (const OrtValue *const *)in, 3, outputs, 1, &out));
		double took = seconds() - begun;
		float *logits;
		check(ort->GetTensorMutableData(out, (void **)&logits));
		printf("%.9f %g\n", took, logits[0]);
		fflush(stdout);
		ort->ReleaseValue(out);
		for (int i = 0; i < 3; i++)
			ort->ReleaseValue(in[i]);
	}
	return 0;
}
