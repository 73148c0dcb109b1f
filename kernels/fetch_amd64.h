// How far ahead of where it reads a kernel fetches a packed B, in bytes. A core's
// own prefetching ends with a page or starts anew with every panel, too late for
// a B that comes from memory once for few rows of A.
#define FETCH_AHEAD 8192
